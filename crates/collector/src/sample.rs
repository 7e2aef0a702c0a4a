//! What does a run publish?
//!
//! Numbers under names. Where they go, and which names a place accepts, is the publisher's matter.

/// One number to publish.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Sample {
    /// Its name: for Grafolean a path, segments separated by dots (`entity.17.sensor.4`).
    pub path: String,
    /// Its value.
    pub value: f64,
}

impl Sample {
    /// A number under a name; neither is checked here, as each place to publish has its own rules.
    pub fn new(path: impl Into<String>, value: f64) -> Self {
        Self { path: path.into(), value }
    }
}
