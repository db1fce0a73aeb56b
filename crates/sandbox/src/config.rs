//! The limits of a child, and where its files are.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sluice_service::Env;

/// The section `SLUICE_SANDBOX_*`.
#[derive(Debug, Clone)]
pub struct Config {
    /// The child's program (`SLUICE_SANDBOX_BINARY`, default: `sluice-sandbox` beside this program).
    pub binary: PathBuf,
    /// The child's program that reads pictures (`SLUICE_SANDBOX_OCR_BINARY`, default: `sluice-ocr` beside the other).
    pub ocr_binary: PathBuf,
    /// PDFium's library (`SLUICE_SANDBOX_PDFIUM`, default: `libpdfium.so` where the loader finds it).
    pub pdfium: PathBuf,
    /// Tesseract's language data (`SLUICE_SANDBOX_TESSDATA`, default: the system's).
    pub tessdata: Option<PathBuf>,
    /// Children at a time (`SLUICE_SANDBOX_CHILDREN`, default: the number of cores).
    pub children: usize,
    /// Address space of a child in MiB (`SLUICE_SANDBOX_MEMORY_MIB`, default 1536).
    pub memory_mib: u64,
    /// CPU time of a child (`SLUICE_SANDBOX_CPU_TIME`, default 30m).
    pub cpu_time: Duration,
    /// How long a child may say nothing (`SLUICE_SANDBOX_PAGE_TIMEOUT`, default 3m).
    pub page_timeout: Duration,
    /// CPU time of one run of a script (`SLUICE_SANDBOX_SCRIPT_TIME`, default 5s).
    pub script_time: Duration,
    /// Heap of one run of a script in MiB (`SLUICE_SANDBOX_SCRIPT_MEMORY_MIB`, default 64).
    pub script_memory_mib: usize,
    /// How long a runner of scripts works before it lets others have its place; not a setting.
    pub script_turn: Duration,
}

impl Config {
    /// Reads the section.
    pub fn read(env: &mut Env) -> Self {
        let binary = env.optional("SLUICE_SANDBOX_BINARY").map(PathBuf::from).or_else(beside_this_program);
        let binary = binary.unwrap_or_else(|| {
            env.problem("SLUICE_SANDBOX_BINARY", "is not set, and no sluice-sandbox stands beside this program");
            PathBuf::new()
        });
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let children = env.parsed("SLUICE_SANDBOX_CHILDREN", cores);
        if children == 0 {
            env.problem("SLUICE_SANDBOX_CHILDREN", "must be at least 1");
        }
        let ocr_binary = env.optional("SLUICE_SANDBOX_OCR_BINARY").map(PathBuf::from);
        let ocr_binary = ocr_binary.unwrap_or_else(|| binary.with_file_name("sluice-ocr"));
        Self {
            binary,
            ocr_binary,
            pdfium: env.string("SLUICE_SANDBOX_PDFIUM", "libpdfium.so").into(),
            tessdata: env.optional("SLUICE_SANDBOX_TESSDATA").map(PathBuf::from),
            children,
            memory_mib: env.parsed("SLUICE_SANDBOX_MEMORY_MIB", 1536),
            cpu_time: env.duration("SLUICE_SANDBOX_CPU_TIME", Duration::from_secs(1800)),
            page_timeout: env.duration("SLUICE_SANDBOX_PAGE_TIMEOUT", Duration::from_secs(180)),
            script_time: env.duration("SLUICE_SANDBOX_SCRIPT_TIME", Duration::from_secs(5)),
            script_turn: Duration::from_secs(10),
            script_memory_mib: env.parsed("SLUICE_SANDBOX_SCRIPT_MEMORY_MIB", 64),
        }
    }
}

/// Beside this program, or one folder up, where cargo puts it for a test.
fn beside_this_program() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    program.ancestors().skip(1).take(2).map(|folder: &Path| folder.join("sluice-sandbox")).find(|path| path.is_file())
}
