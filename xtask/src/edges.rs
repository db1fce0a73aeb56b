//! Who may depend on whom. An edge that is not listed fails `cargo xtask tidy`; adding one is a commit of its own that
//! edits `ARCHITECTURE.md` as well.

/// A crate and the crates of ours that it may depend on, without the prefix `sluice-`.
pub(crate) const EDGES: &[(&str, &[&str])] = &[
    ("core", &[]),
    ("service", &[]),
    ("extraction", &["core"]),
    ("documents", &["core"]),
    ("db", &["core", "service"]),
    ("queue", &["core", "service"]),
    ("event-bus", &["core", "service"]),
    ("storage", &["core", "service"]),
    ("sandbox", &["core", "service", "documents"]),
    ("llm", &["core", "service", "extraction"]),
    ("remote-extractors", &["core", "service", "llm"]),
    ("access", &["core", "service", "db"]),
    (
        "api",
        &[
            "core",
            "service",
            "access",
            "extraction",
            "db",
            "queue",
            "event-bus",
            "storage",
            "sandbox",
            "llm",
            "remote-extractors",
        ],
    ),
    (
        "worker",
        &[
            "core",
            "service",
            "extraction",
            "db",
            "queue",
            "event-bus",
            "storage",
            "sandbox",
            "llm",
            "remote-extractors",
        ],
    ),
    ("ws-gateway", &["core", "service", "access", "db", "event-bus"]),
    ("standalone", &["core", "service", "access", "extraction", "db", "storage", "api", "worker", "ws-gateway"]),
    (
        "test-support",
        &["core", "service", "extraction", "documents", "db", "queue", "event-bus", "storage", "sandbox", "access"],
    ),
    ("tests", &[]),
    ("xtask", &[]),
];

/// Crates that nobody's tests may depend on, except those that run the services together.
pub(crate) const SERVICES: [&str; 4] = ["api", "worker", "ws-gateway", "standalone"];

/// The only crates that may depend on these; what they wrap does not leave them.
pub(crate) const OWNERS: &[(&str, &[&str])] = &[
    ("diesel", &["db", "test-support"]),
    ("diesel-async", &["db", "test-support"]),
    ("bullmq-official", &["queue"]),
    ("deadpool-redis", &["queue"]),
    ("fred", &["event-bus"]),
    ("aws-sdk-s3", &["storage"]),
    ("leptess", &["documents"]),
    ("pdfium-render", &["documents"]),
    ("actix-web", &["api"]),
    ("socketioxide", &["ws-gateway"]),
    ("async-openai", &["llm"]),
];

/// All that `core` may depend on: it does no I/O and compiles in seconds.
pub(crate) const CORE_EXTERNALS: [&str; 7] =
    ["async-trait", "bytes", "chrono", "serde", "serde_json", "thiserror", "uuid"];
