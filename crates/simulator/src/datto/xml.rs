//! What do the XML status feeds say? Both trees, written device by device, so that a document of any length needs no
//! memory. Knows neither HTTP nor keys.
//!
//! Follows the facts "Tree A", "Tree B (xmlstatus)", "Values" and "Malformed input": root and attribute names of tree A
//! are placeholders, as they are public nowhere; its root states the device count, hidden devices included; sizes are
//! units of 1024 bytes; times are US Eastern. Text from boot screens keeps its control characters, raw: the live feed
//! was not well-formed either.

use std::io::{self, Write};

use super::fleet::{Asset, AssetKind, Device, Fleet};
use super::time_text::{Dates, Pen};

impl Fleet {
    /// The whole fleet as tree A: the document of the portal feed and of the old partner feed.
    ///
    /// 10 000 devices with 10 agents each are about 37 MB.
    pub fn xml_tree_a(&self) -> String {
        self.xml_tree_a_dated(Dates::Stated)
    }

    /// The same document with the dates as asked for.
    pub fn xml_tree_a_dated(&self, dates: Dates) -> String {
        text(|out| write_tree_a(self, dates, out))
    }

    /// Writes tree A without holding it in memory. Errors are those of `out`.
    pub fn write_xml_tree_a(&self, out: &mut impl Write) -> io::Result<()> {
        write_tree_a(self, Dates::Stated, out)
    }

    /// The whole fleet as tree B: the document of the `xmlstatus` feed. It holds machines and their last snapshot
    /// only: no serial, no sizes, no shares.
    pub fn xml_tree_b(&self) -> String {
        self.xml_tree_b_dated(Dates::Stated)
    }

    /// The same document with the dates as asked for.
    pub fn xml_tree_b_dated(&self, dates: Dates) -> String {
        text(|out| write_tree_b(self, dates, out))
    }
}

fn text(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
    let mut document = Vec::new();
    write(&mut document).expect("a vector takes all bytes");
    String::from_utf8(document).expect("written from strings only")
}

fn write_tree_a(fleet: &Fleet, dates: Dates, out: &mut impl Write) -> io::Result<()> {
    let pen = Pen::new(dates);
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<Devices total=\"{}\">", fleet.devices.len())?;
    for device in &fleet.devices {
        write_device(device, &pen, out)?;
    }
    writeln!(out, "</Devices>")
}

fn write_device(device: &Device, pen: &Pen, out: &mut impl Write) -> io::Result<()> {
    let hidden = u8::from(device.is_hidden);
    let minutes_up = device.uptime_seconds / 60;
    writeln!(out, "<Device>")?;
    writeln!(out, "<SerialNumber>{}</SerialNumber>", device.serial)?;
    writeln!(out, "<Hostname>{}</Hostname>", escaped(&device.hostname))?;
    writeln!(out, "<Uptime units=\"seconds\">{}</Uptime>", device.uptime_seconds)?;
    writeln!(out, "<Model>{}</Model>", escaped(&device.model))?;
    writeln!(out, "<FreeSpace units=\"KB\">{}</FreeSpace>", device.free_kib)?;
    writeln!(out, "<UsedSpace units=\"KB\">{}</UsedSpace>", device.used_kib)?;
    writeln!(out, "<InternalIP>{}</InternalIP>", device.address)?;
    writeln!(out, "<TxSpeedLimit units=\"KB\">1250</TxSpeedLimit>")?;
    writeln!(out, "<Lastseen tz=\"EST\">{}</Lastseen>", pen.eastern(device.last_seen_at))?;
    writeln!(out, "<IsHidden>{hidden}</IsHidden>")?;
    writeln!(out, "<FiveMinLoadAvg>{}.{:02}</FiveMinLoadAvg>", minutes_up % 3, minutes_up % 100)?;
    writeln!(out, "<ServiceExpire>{}</ServiceExpire>", pen.eastern(device.service_ends_at))?;
    writeln!(out, "<WarrantyExpire>{}</WarrantyExpire>", pen.eastern(device.warranty_ends_at))?;
    // Some appliances state their versions, most do not.
    if device.uptime_seconds % 4 == 3 {
        writeln!(out, "<ZFSVersion>0.8.3</ZFSVersion>")?;
        writeln!(out, "<VBoxVersion>5.1.38</VBoxVersion>")?;
        writeln!(out, "<KernelVersion>4.15.0-112-generic</KernelVersion>")?;
        writeln!(out, "<BIOSVersion>2.0b</BIOSVersion>")?;
    }
    if device.assets.is_empty() {
        writeln!(out, "<BackupVolumes/>")?;
    } else {
        writeln!(out, "<BackupVolumes>")?;
        for asset in &device.assets {
            write_volume(asset, pen, out)?;
        }
        writeln!(out, "</BackupVolumes>")?;
    }
    writeln!(out, "</Device>")
}

/// One volume is one line: what is known of the live feed's layout speaks neither for nor against it.
fn write_volume(asset: &Asset, pen: &Pen, out: &mut impl Write) -> io::Result<()> {
    let kind = match asset.kind {
        AssetKind::Agent => "Agent",
        AssetKind::Share => "NAS",
    };
    let name = escaped(&asset.name);
    write!(out, "<BackupVolume type=\"{kind}\"><Volume>{name}</Volume><Agent>{name}</Agent>")?;
    write!(out, "<LastBackup tz=\"EST\">{}</LastBackup>", pen.eastern(asset.last_good_at))?;
    write!(out, "<LastBackupStatus>{}</LastBackupStatus>", escaped(&asset.status))?;
    write!(out, "<LatestOffsite tz=\"EST\">{}</LatestOffsite>", pen.eastern(asset.latest_offsite_at))?;
    write_optional(out, "ScreenshotImagePath", &asset.screenshot_url)?;
    write_optional(out, "ScreenshotError", &asset.screenshot_error)?;
    writeln!(out, "</BackupVolume>")
}

fn write_optional(out: &mut impl Write, name: &str, value: &str) -> io::Result<()> {
    if value.is_empty() {
        write!(out, "<{name}/>")
    } else {
        write!(out, "<{name}>{}</{name}>", escaped(value))
    }
}

fn write_tree_b(fleet: &Fleet, dates: Dates, out: &mut impl Write) -> io::Result<()> {
    let pen = Pen::new(dates);
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<ROOT>")?;
    for device in &fleet.devices {
        writeln!(out, "<Device>")?;
        writeln!(out, "<hostname>{}</hostname>", escaped(&device.hostname))?;
        writeln!(out, "<protectedMachines>")?;
        for asset in device.assets.iter().filter(|asset| asset.kind == AssetKind::Agent) {
            write!(out, "<protected><protectedHostname>{}</protectedHostname>", escaped(&asset.name))?;
            write!(out, "<lastSnapshot>{}</lastSnapshot>", escaped(&asset.status))?;
            write!(out, "<lastSnapshotTime>{}</lastSnapshotTime>", pen.eastern(asset.last_good_at))?;
            writeln!(out, "</protected>")?;
        }
        writeln!(out, "</protectedMachines>")?;
        writeln!(out, "</Device>")?;
    }
    writeln!(out, "</ROOT>")
}

/// Escapes the three characters that XML text may not hold. Control characters stay: see above.
fn escaped(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains(['&', '<', '>']) {
        return text.into();
    }
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").into()
}
