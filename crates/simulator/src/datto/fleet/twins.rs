//! Whose name does a twin bear? Given at the end, when all names are known. Knows nothing of chance.

use super::{AssetKind, AssetTrait, Device, DeviceTrait};

/// Gives every device and asset that shall bear another's name that name. An asset prefers its own device.
pub(super) fn name(devices: &mut [Device]) {
    for index in 0..devices.len() {
        let other = (index + 1) % devices.len();
        if devices[index].traits.contains(&DeviceTrait::TwinHostname) {
            devices[index].hostname = plain_neighbour(devices, index);
        }
        for asset in 0..devices[index].assets.len() {
            if !devices[index].assets[asset].traits.contains(&AssetTrait::TwinName) {
                continue;
            }
            let own = devices[index..].iter().take(1);
            let mut candidates =
                own.chain(&devices[other..]).chain(devices.iter()).flat_map(|device| &device.assets);
            let twin = candidates
                .find(|one| one.kind == AssetKind::Agent && !one.traits.contains(&AssetTrait::TwinName));
            if let Some(name) = twin.map(|twin| twin.name.clone()) {
                devices[index].assets[asset].name = name;
            }
        }
    }
}

/// The hostname of the next device that was set up and is no twin itself; its own where there is none.
fn plain_neighbour(devices: &[Device], index: usize) -> String {
    let unfit = [DeviceTrait::TwinHostname, DeviceTrait::Factory, DeviceTrait::Hidden];
    let after = devices[index + 1..].iter().chain(&devices[..index]);
    let mut fit = after.filter(|device| !unfit.iter().any(|one| device.traits.contains(one)));
    fit.next().unwrap_or(&devices[index]).hostname.clone()
}
