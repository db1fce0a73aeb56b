# The commands of xtask under the same names.

fmt:
    cargo xtask fmt

lint:
    cargo xtask lint

test *arguments:
    cargo xtask test {{arguments}}

db *arguments:
    cargo xtask db {{arguments}}

tidy:
    cargo xtask tidy

ci:
    cargo xtask ci
