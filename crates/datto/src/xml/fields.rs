//! Which fields do the two XML trees have? Everything else in them is passed over.

/// A field of a device or a volume that we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Serial,
    Hostname,
    Uptime,
    FreeSpace,
    UsedSpace,
    LastSeen,
    IsHidden,
    ServiceExpire,
    WarrantyExpire,
    Model,
    /// A device field that is shown and not judged, under this name.
    Shown(&'static str),
    Type,
    Agent,
    Volume,
    LastBackup,
    LastBackupStatus,
    LatestOffsite,
    ScreenshotImagePath,
    ScreenshotError,
    /// `hostname` of the xmlstatus tree.
    BareHostname,
    /// `protectedHostname` of the xmlstatus tree.
    ProtectedHostname,
    /// `lastSnapshot` of the xmlstatus tree: a status.
    LastSnapshot,
    /// `lastSnapshotTime` of the xmlstatus tree.
    LastSnapshotTime,
}

/// Finds a field of a device by its tag or attribute.
pub(super) fn of_device(tag: &str) -> Option<Field> {
    let field = match tag {
        "SerialNumber" => Field::Serial,
        "Hostname" => Field::Hostname,
        "Uptime" => Field::Uptime,
        "FreeSpace" => Field::FreeSpace,
        "UsedSpace" => Field::UsedSpace,
        "Lastseen" => Field::LastSeen,
        "IsHidden" => Field::IsHidden,
        "ServiceExpire" => Field::ServiceExpire,
        "WarrantyExpire" => Field::WarrantyExpire,
        "Model" => Field::Model,
        "InternalIP" => Field::Shown("internal address"),
        "TxSpeedLimit" => Field::Shown("upload limit, KB/s"),
        "FiveMinLoadAvg" => Field::Shown("load, 5 minutes"),
        "ZFSVersion" => Field::Shown("ZFS version"),
        "KernelVersion" => Field::Shown("kernel version"),
        "BIOSVersion" => Field::Shown("BIOS version"),
        "VBoxVersion" => Field::Shown("VirtualBox version"),
        "hostname" => Field::BareHostname,
        _ => return None,
    };
    Some(field)
}

/// Finds a field of a volume by its tag or attribute.
pub(super) fn of_volume(tag: &str) -> Option<Field> {
    let field = match tag {
        "type" => Field::Type,
        "Agent" => Field::Agent,
        "Volume" => Field::Volume,
        "LastBackup" => Field::LastBackup,
        "LastBackupStatus" => Field::LastBackupStatus,
        "LatestOffsite" => Field::LatestOffsite,
        "ScreenshotImagePath" => Field::ScreenshotImagePath,
        "ScreenshotError" => Field::ScreenshotError,
        "protectedHostname" => Field::ProtectedHostname,
        "lastSnapshot" => Field::LastSnapshot,
        "lastSnapshotTime" => Field::LastSnapshotTime,
        _ => return None,
    };
    Some(field)
}

impl Field {
    /// True if no check reads it.
    pub(super) const fn is_detail(self) -> bool {
        matches!(self, Self::Shown(_) | Self::ScreenshotImagePath | Self::ScreenshotError)
    }

    /// Returns the name the feed gives it, for evidence.
    pub(super) const fn tag(self) -> &'static str {
        match self {
            Self::Serial => "SerialNumber",
            Self::Hostname => "Hostname",
            Self::Uptime => "Uptime",
            Self::FreeSpace => "FreeSpace",
            Self::UsedSpace => "UsedSpace",
            Self::LastSeen => "Lastseen",
            Self::IsHidden => "IsHidden",
            Self::ServiceExpire => "ServiceExpire",
            Self::WarrantyExpire => "WarrantyExpire",
            Self::Model => "Model",
            Self::Shown(label) => label,
            Self::Type => "type",
            Self::Agent => "Agent",
            Self::Volume => "Volume",
            Self::LastBackup => "LastBackup",
            Self::LastBackupStatus => "LastBackupStatus",
            Self::LatestOffsite => "LatestOffsite",
            Self::ScreenshotImagePath => "ScreenshotImagePath",
            Self::ScreenshotError => "ScreenshotError",
            Self::BareHostname => "hostname",
            Self::ProtectedHostname => "protectedHostname",
            Self::LastSnapshot => "lastSnapshot",
            Self::LastSnapshotTime => "lastSnapshotTime",
        }
    }
}
