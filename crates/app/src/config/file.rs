//! Which configuration file is used, and what stands in it?
//!
//! Reads bytes; does not know what they mean.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::mistake::ConfigError;

/// The file that is used where none is named.
pub const DEFAULT_FILE: &str = "/etc/lastgood/config.toml";

/// The environment variable that names the file, as `--config` does.
pub const VARIABLE: &str = "LASTGOOD_CONFIG";

/// The largest configuration, in bytes: some thousand sources. Anything larger is another file.
pub const MAX_BYTES: u64 = 1024 * 1024;

/// Returns the file somebody named: with `--config`, else with `$LASTGOOD_CONFIG`.
pub(super) fn named(
    argument: Option<&Path>,
    environment: &dyn Fn(&str) -> Option<OsString>,
) -> Option<PathBuf> {
    let variable = || environment(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
    argument.map(Path::to_path_buf).or_else(variable)
}

/// Reads a file whole, within the limit.
pub(super) fn read(path: &Path) -> Result<String, ConfigError> {
    let shown = path.display().to_string();
    let unreadable = |source| ConfigError::Unreadable { path: shown.clone(), source };
    let file = File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.is_dir() {
        return Err(ConfigError::Directory { path: shown });
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(ConfigError::TooLarge { path: shown, max_bytes: MAX_BYTES });
    }
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.split(|&byte| byte == b'\n').count();
        ConfigError::NotUtf8 { path: shown, line }
    })
}
