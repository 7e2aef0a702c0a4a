//! What is different about an appliance that lives in a cloud?

use lastgood_core::observation::{Exemption, Space};

/// The model name of an appliance in Azure.
const CLOUD_MODEL: &str = "CLDSIRIS";

/// True if this model lives in a cloud: what it holds is offsite already, so that its assets keep no further copy.
pub(crate) fn is_cloud(model: &str) -> bool {
    model.trim().eq_ignore_ascii_case(CLOUD_MODEL)
}

/// Returns why the storage of a cloud appliance is not judged: it states none, or zeros. Figures it does state are
/// judged like any others.
pub(crate) fn space_exemption(space: &Space) -> Option<Exemption> {
    let figures = [space.used, space.free].map(|figure| figure.value().unwrap_or_default());
    (figures == [0, 0]).then_some(Exemption::CloudAppliance)
}
