//! Reading what every answer has in common.

use std::collections::{BTreeMap, HashMap};

use aws_smithy_types::DateTime;
use jiff::Timestamp;

use super::super::AwsError;
use super::super::noun::Page;
use crate::model::Version;

/// A field that AWS always sends. Without it the answer says too little to know what happened.
pub(super) fn required<T>(value: Option<T>, field: &str) -> Result<T, AwsError> {
    value.ok_or_else(|| AwsError::Ambiguous { cause: format!("the answer has no `{field}`") })
}

/// A version number or `$LATEST`.
pub(super) fn version(text: Option<&str>) -> Result<Version, AwsError> {
    let text = required(text, "Version")?;
    if text.starts_with("$LATEST.") {
        let message = format!("`{text}` is a version of Lambda Managed Instances, which have no aliases to promote");
        return Err(AwsError::rejected(0, "UnsupportedVersion", message));
    }
    text.parse().map_err(|error| AwsError::Ambiguous { cause: format!("in the answer, {error}") })
}

/// A map in a stable order; absent is empty.
pub(super) fn sorted<V>(map: Option<HashMap<String, V>>) -> BTreeMap<String, V> {
    map.unwrap_or_default().into_iter().collect()
}

/// A list whose items are read one by one; absent is empty.
pub(super) fn page<S, T>(
    items: Option<Vec<S>>,
    next: Option<String>,
    read: impl Fn(S) -> Result<T, AwsError>,
) -> Result<Page<T>, AwsError> {
    let items = items.unwrap_or_default().into_iter().map(read).collect::<Result<_, _>>()?;
    Ok(Page { items, next: next.filter(|token| !token.is_empty()) })
}

/// A time; `None` when it is out of the calendar's range.
pub(super) fn timestamp(time: &DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
}
