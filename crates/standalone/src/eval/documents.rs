//! The documents of a folder, their truths and their schemas.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use sluice_extraction::scoring::{BadInput, Scorer};

use super::options::EvalOptions;

const TRUTH: &str = ".truth.json";
/// Kinds of files that are read, the one that says most first, and what browsers call them.
const KINDS: [(&str, &str); 11] = [
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("webp", "image/webp"),
    ("gif", "image/gif"),
    ("bmp", "image/bmp"),
    ("xml", "application/xml"),
    ("", "application/octet-stream"),
];

/// A document to be evaluated.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    /// What its prediction is called: its name, with its folders where that alone is not unique.
    pub(crate) name: String,
    pub(crate) source: Source,
    pub(crate) filename: String,
    pub(crate) content_type: String,
    pub(crate) truth: Value,
    /// Which of the schemas it has.
    pub(crate) schema: usize,
}

/// Where a document's bytes are.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    File(PathBuf),
    Manifest(i64),
}

/// A JSON Schema and the scorer that it makes.
#[derive(Debug, Clone)]
pub(crate) struct Schema {
    /// Where it came from.
    pub(crate) name: String,
    pub(crate) json: Value,
    pub(crate) scorer: Scorer,
}

/// All that is to be evaluated.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    pub(crate) schemas: Vec<Schema>,
    pub(crate) list: Vec<Document>,
    /// Truths without a document.
    pub(crate) missing: Vec<String>,
}

impl Schema {
    pub(crate) fn new(name: String, json: Value) -> Self {
        Self { name, scorer: Scorer::new(json.clone()), json }
    }

    fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("can't read the schema {}", path.display()))?;
        let json: Value = serde_json::from_str(&text).with_context(|| format!("{} is no JSON", path.display()))?;
        ensure!(json.is_object(), "{} is no JSON Schema", path.display());
        Ok(Self::new(path.display().to_string(), json))
    }
}

impl Document {
    /// What its truth wants when there is nothing to extract.
    pub(crate) fn bad_input(&self) -> Option<BadInput> {
        BadInput::of(&self.truth)
    }
}

impl Documents {
    /// Finds the documents of a folder.
    pub(crate) fn find(folder: &Path, options: &EvalOptions) -> Result<Self> {
        ensure!(folder.is_dir(), "{} is no folder", folder.display());
        let mut documents = Self::default();
        let mut of_folder: BTreeMap<String, usize> = BTreeMap::new();
        for file in &options.schema {
            documents.schemas.push(Schema::read(file)?);
        }
        for (below, file) in &options.schema_for {
            of_folder.insert(below.clone(), documents.schemas.len());
            documents.schemas.push(Schema::read(Path::new(file))?);
        }
        ensure!(!documents.schemas.is_empty(), "name a schema with --schema");
        let mut files = BTreeSet::new();
        collect(folder, &mut files)?;
        for path in files.iter().filter(|path| path.to_string_lossy().ends_with(TRUTH)) {
            let place = place_of(folder, path)?;
            if !options.only.is_empty() && !options.only.iter().any(|pattern| pattern.matches(&place)) {
                continue;
            }
            match document_of(&files, path) {
                None => documents.missing.push(place),
                Some(file) => {
                    let truth = read_truth(path)?;
                    let schema = documents.schema_of(&place, &truth, (options.schema.len(), &of_folder));
                    documents.list.push(Document::of_file(place, file, truth, schema)?);
                }
            }
        }
        documents.shorten_names();
        if let Some(limit) = options.limit {
            documents.list.truncate(limit);
        }
        if documents.list.is_empty() {
            bail!("{} has no documents with a truth that are asked for", folder.display());
        }
        Ok(documents)
    }

    /// The schema of the nearest folder that has one, else that which fits the truth best.
    fn schema_of(&self, place: &str, truth: &Value, (free, of_folder): (usize, &BTreeMap<String, usize>)) -> usize {
        let folders = place.match_indices('/').filter_map(|(end, _)| place.get(..end));
        if let Some(index) = folders.filter_map(|folder| of_folder.get(folder)).next_back() {
            return *index;
        }
        // Of equals the first one counts, so what fits none has the first.
        let fits = self.schemas.iter().enumerate().take(if free > 0 { free } else { usize::MAX });
        let best = fits.map(|(index, schema)| (schema.scorer.fit(truth), std::cmp::Reverse(index))).max();
        best.map_or(0, |(_, std::cmp::Reverse(index))| index)
    }

    /// Drops the folders from names that are unique without them.
    fn shorten_names(&mut self) {
        let last = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for document in &self.list {
            *counts.entry(last(&document.name)).or_default() += 1;
        }
        for document in &mut self.list {
            let short = last(&document.name);
            // The reports stand beside the predictions.
            if counts.get(&short) == Some(&1) && short != "report" {
                document.name = short;
            }
        }
    }
}

impl Document {
    fn of_file(place: String, file: &Path, truth: Value, schema: usize) -> Result<Self> {
        let filename = file.file_name().context("a file has no name")?.to_string_lossy().into_owned();
        let content_type = content_type(&extension(file)).unwrap_or("application/octet-stream").to_owned();
        Ok(Self { name: place, source: Source::File(file.to_owned()), filename, content_type, truth, schema })
    }
}

fn content_type(extension: &str) -> Option<&'static str> {
    KINDS.iter().find(|(kind, _)| *kind == extension).map(|(_, name)| *name)
}

fn extension(file: &Path) -> String {
    file.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

fn collect(folder: &Path, found: &mut BTreeSet<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("can't read {}", folder.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), found)?;
        } else {
            found.insert(entry.path());
        }
    }
    Ok(())
}

/// The path of a truth below the folder, without its endings.
fn place_of(folder: &Path, truth: &Path) -> Result<String> {
    let below = truth.strip_prefix(folder)?.to_string_lossy().into_owned();
    Ok(below.strip_suffix(TRUTH).unwrap_or(&below).to_owned())
}

fn document_of<'a>(files: &'a BTreeSet<PathBuf>, truth: &Path) -> Option<&'a PathBuf> {
    let stem = truth.to_string_lossy().strip_suffix(TRUTH)?.to_owned();
    let fits = |file: &&PathBuf| file.with_extension("").as_os_str() == stem.as_str() && file.as_path() != truth;
    let rank = |file: &&PathBuf| KINDS.iter().position(|(kind, _)| *kind == extension(file));
    files.iter().filter(fits).filter_map(|file| Some((rank(&file)?, file))).min().map(|(_, file)| file)
}

fn read_truth(path: &Path) -> Result<Value> {
    let text = std::fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
    let truth: Value = serde_json::from_str(&text).with_context(|| format!("{} is no JSON", path.display()))?;
    ensure!(truth.is_object(), "{} is no object", path.display());
    Ok(truth)
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        options: EvalOptions,
    }

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("invoice.schema.json", r#"{"properties": {"number": {}, "total": {}}}"#);
        write("slip.schema.json", r#"{"properties": {"merchant": {}, "total": {}}}"#);
        write("in/a.pdf", "%PDF");
        write("in/a.png", "PNG");
        write("in/a.text.txt", "text");
        write("in/a.truth.json", &json!({"number": "1"}).to_string());
        write("in/b.JPG", "JPG");
        write("in/b.truth.json", &json!({"merchant": "m"}).to_string());
        write("in/deep/a.png", "PNG");
        write("in/deep/a.truth.json", &json!({"merchant": "m"}).to_string());
        write("in/lost.truth.json", "{}");
        folder
    }

    fn find(folder: &Path, more: &str) -> Result<Documents> {
        let line = format!("eval {0}/in --schema {0}/invoice.schema.json {more}", folder.display());
        let options = Line::try_parse_from(line.split_whitespace()).unwrap().options;
        Documents::find(&folder.join("in"), &options)
    }

    #[test]
    fn documents_are_found_with_the_schema_that_fits() {
        let folder = folder();
        let found = find(folder.path(), &format!("--schema {}/slip.schema.json", folder.path().display())).unwrap();
        let list: Vec<_> = found
            .list
            .iter()
            .map(|one| (one.name.as_str(), one.filename.as_str(), one.content_type.as_str(), one.schema))
            .collect();
        assert_eq!(
            list,
            [
                ("a", "a.pdf", "application/pdf", 0),
                ("b", "b.JPG", "image/jpeg", 1),
                ("deep/a", "a.png", "image/png", 1)
            ]
        );
        assert_eq!(found.missing, ["lost"]);
    }

    #[test]
    fn a_folder_may_have_a_schema_of_its_own_and_globs_choose() {
        let folder = folder();
        let own = format!("--schema-for deep={}/slip.schema.json --only deep/*", folder.path().display());
        let found = find(folder.path(), &own).unwrap();
        assert_eq!(found.list.len(), 1);
        assert_eq!((found.list[0].name.as_str(), found.list[0].schema), ("a", 1));
        assert_eq!(find(folder.path(), "--limit 2").unwrap().list.len(), 2);
        assert!(find(folder.path(), "--only nothing").is_err());
    }
}
