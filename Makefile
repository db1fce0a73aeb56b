# Only names; what they do stands in scripts/, demo/ and xtask/.
.PHONY: help build test demo up lint fmt tidy

help:
	@echo "make test    installs what tests need and runs all that CI runs"
	@echo "make demo    installs, builds and takes two documents through a real model"
	@echo "make up      the same, and keeps running"
	@echo "make build   installs what the build needs and builds the programs"
	@echo "make lint | fmt | tidy    cargo xtask lint | fmt | tidy"

build:
	scripts/install build run
	cargo build --workspace --release

test:
	scripts/install build run test
	CARGO_INCREMENTAL=0 cargo xtask ci

demo: build
	demo/run

up: build
	demo/run --keep

lint fmt tidy:
	cargo xtask $@
