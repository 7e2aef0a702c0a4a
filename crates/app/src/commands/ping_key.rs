//! `lastgood ping-key`: makes a key for a job that pings, and shows it this once.

use super::looking::Trouble;
use super::output::print;
use crate::exit::Exit;
use crate::push::key::{KeyHash, generate};

/// What stands below its help.
pub(super) const EXAMPLES: &str = "\
Examples:
  lastgood ping-key nightly-db    a key for one job
  lastgood ping-key --source      a ping key for every job of a source, each named by its slug";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// What the job is called
    #[arg(default_value = "nightly", conflicts_with = "source")]
    name: String,
    /// Make the ping key of a source, which with a slug names any of its jobs
    #[arg(long)]
    source: bool,
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    let key = match generate() {
        Ok(key) => key,
        Err(error) => return Trouble::new(&error, Exit::OwnFailure).say().code(),
    };
    let text = if arguments.source { of_source(&key) } else { of_job(&key, &arguments.name) };
    print(false, |out| out.write_all(text.as_bytes())).err().unwrap_or(Exit::AllOk).code()
}

fn of_job(key: &str, name: &str) -> String {
    let hash = KeyHash::of(key).hexadecimal();
    let name = toml::Value::from(name);
    format!(
        "\
# Shown this once and kept nowhere: the job pings this path, with /start before and /fail or its exit status behind.
/ping/{key}

# For the configuration, below a [[source]] of kind \"ping\".
[[source.ping]]
name = {name}
key_hash = \"sha256:{hash}\"
period = \"24h\"
"
    )
}

fn of_source(key: &str) -> String {
    let hash = KeyHash::of(key).hexadecimal();
    format!(
        "\
# Shown this once and kept nowhere: each job pings this path with its slug, and /start or /fail behind.
/ping/{key}/SLUG

# For the configuration, in a [[source]] of kind \"ping\".
ping_key_hash = \"sha256:{hash}\"
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_pasted_and_opens_for_the_key_that_is_shown() {
        let key = generate().unwrap();
        let job = of_job(&key, "a \"b\"");
        let table: toml::Table = job.replace(&format!("/ping/{key}\n"), "").parse().unwrap();
        let ping = &table["source"]["ping"][0];
        assert_eq!(ping["name"].as_str(), Some("a \"b\""));
        let hash = format!("sha256:{}", KeyHash::of(&key).hexadecimal());
        assert_eq!(ping["key_hash"].as_str(), Some(hash.as_str()));
        assert!(job.contains(&format!("\n/ping/{key}\n")));
        let source = of_source(&key);
        assert!(source.contains(&hash) && source.contains(&format!("/ping/{key}/SLUG")));
    }
}
