//! What `sluice eval` is told.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

/// How an evaluation is run.
#[derive(Debug, Args)]
pub struct EvalOptions {
    /// Where the documents are: each NAME.ext with a NAME.truth.json beside it, in this folder or below.
    #[arg(required_unless_present = "project", conflicts_with = "project")]
    pub(crate) folder: Option<PathBuf>,
    /// Evaluates the truths that were saved in this project, with its schema, rules, model and extractor.
    #[arg(long, requires = "server")]
    pub(crate) project: Option<i64>,
    /// A JSON Schema of what is wanted. Of several, each truth takes the one that fits it best.
    #[arg(long, value_name = "FILE")]
    pub(crate) schema: Vec<PathBuf>,
    /// The schema of the documents in a folder below.
    #[arg(long, value_name = "SUBFOLDER=FILE", value_parser = pair)]
    pub(crate) schema_for: Vec<(String, String)>,
    /// The OpenAI-compatible endpoint; by default the one in `SLUICE_LLM_BASE_URL`, else the local model.
    #[arg(long, value_name = "URL")]
    pub(crate) model: Option<String>,
    /// What the endpoint calls the model; by default the one in `SLUICE_LLM_MODEL`.
    #[arg(long, value_name = "NAME")]
    pub(crate) model_name: Option<String>,
    /// The environment variable that holds the endpoint's key.
    #[arg(long, value_name = "VAR", default_value = "SLUICE_LLM_API_KEY")]
    pub(crate) api_key_env: String,
    /// A parameter of the model as the API knows it, such as maxTokens=2000.
    #[arg(long, value_name = "NAME=JSON", value_parser = json_pair)]
    pub(crate) model_parameter: Vec<(String, Value)>,
    /// Prices of a million tokens sent and received, such as 0.15,0.6,USD.
    #[arg(long, value_name = "INPUT,OUTPUT,CURRENCY", value_parser = price)]
    pub(crate) price: Option<Price>,
    /// How files are read.
    #[arg(long, value_name = "TYPE", default_value = "local")]
    pub(crate) extractor: String,
    /// A parameter of the extractor as the API knows it.
    #[arg(long, value_name = "NAME=JSON", value_parser = json_pair)]
    pub(crate) extractor_parameter: Vec<(String, Value)>,
    /// Where predictions and reports go.
    #[arg(long, value_name = "DIR", default_value = "eval")]
    pub(crate) out: PathBuf,
    /// Takes the documents alone whose path below the folder, without its extension, matches.
    #[arg(long, value_name = "GLOB")]
    pub(crate) only: Vec<glob::Pattern>,
    /// Takes so many documents at most.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// Leaves out documents whose prediction is there.
    #[arg(long)]
    pub(crate) resume: bool,
    /// Says which values became right or wrong since another run; its report.json.
    #[arg(long, value_name = "REPORT")]
    pub(crate) compare: Option<PathBuf>,
    /// Fails when a figure of the summary, or `per_field.PATH`, is lower.
    #[arg(long, value_name = "NAME=VALUE", value_parser = bound)]
    pub(crate) min: Vec<Bound>,
    /// Fails when a figure of the summary is higher.
    #[arg(long, value_name = "NAME=VALUE", value_parser = bound)]
    pub(crate) max: Vec<Bound>,
    /// Documents in work at a time.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) jobs: u16,
    /// How long a document may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 1800)]
    pub(crate) timeout: u64,
    /// The API of a Sluice that runs, such as `http://127.0.0.1:3000/api`, instead of one that is started for this.
    #[arg(long, value_name = "URL", requires = "token_env")]
    pub(crate) server: Option<String>,
    /// The environment variable that holds a token for the server; an admin's, except with --model-id and --extractor-id or
    /// --project.
    #[arg(long, value_name = "VAR")]
    pub(crate) token_env: Option<String>,
    /// A model that the server has.
    #[arg(long, value_name = "UUID", requires = "server")]
    pub(crate) model_id: Option<String>,
    /// An extractor that the server has.
    #[arg(long, value_name = "UUID", requires = "server")]
    pub(crate) extractor_id: Option<String>,
}

/// A figure and what it must not pass.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bound {
    pub(crate) name: String,
    pub(crate) value: f64,
}

/// What tokens cost, by the million.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Price {
    pub(crate) input: f64,
    pub(crate) output: f64,
    pub(crate) currency: String,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("must be NAME=VALUE")?;
    Ok((name.trim_end_matches('/').to_owned(), value.to_owned()))
}

/// A value that is no JSON is a text.
fn json_pair(text: &str) -> Result<(String, Value), String> {
    let (name, value) = pair(text)?;
    let value = serde_json::from_str(&value).unwrap_or(Value::String(value));
    Ok((name, value))
}

fn bound(text: &str) -> Result<Bound, String> {
    let (name, value) = text.rsplit_once('=').ok_or("must be NAME=VALUE")?;
    let value = value.parse().map_err(|_error| format!("{value} is no number"))?;
    Ok(Bound { name: name.to_owned(), value })
}

fn price(text: &str) -> Result<Price, String> {
    let mut parts = text.split(',').map(str::trim);
    let mut amount = || parts.next().and_then(|part| part.parse::<f64>().ok()).filter(|price| *price >= 0.0);
    let (input, output) = amount().zip(amount()).ok_or("must be INPUT,OUTPUT,CURRENCY")?;
    let currency = parts.next().unwrap_or("USD").to_owned();
    Ok(Price { input, output, currency })
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

    fn parse(line: &str) -> Result<EvalOptions, clap::Error> {
        Line::try_parse_from(line.split(' ')).map(|line| line.options)
    }

    #[test]
    fn a_full_line_is_read() {
        let line = "eval docs --schema a.json --schema-for slips/=b.json --model http://m/v1 --model-parameter maxTokens=9 \
                    --price 1,2.5,EUR --min field_accuracy=0.9 --only inv*/a? --jobs 4";
        let options = parse(line).unwrap();
        assert_eq!(options.schema_for, [("slips".to_owned(), "b.json".to_owned())]);
        assert_eq!(options.model_parameter, [("maxTokens".to_owned(), json!(9))]);
        assert_eq!(options.price, Some(Price { input: 1.0, output: 2.5, currency: "EUR".to_owned() }));
        assert_eq!(options.min, [Bound { name: "field_accuracy".to_owned(), value: 0.9 }]);
        assert!(options.only[0].matches("invoices/ab"));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "eval",
            "eval docs --project 1",
            "eval --project 1",
            "eval docs --server http://s",
            "eval docs --min x",
            "eval docs --min x=y",
            "eval docs --jobs 0",
            "eval docs --price 1",
            "eval docs --model-id 1",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
        assert!(parse("eval --project 1 --server http://s --token-env T").is_ok());
    }
}
