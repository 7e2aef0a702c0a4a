//! Do any two answers, a list of devices and one of assets, make the reader of the REST API panic?
//!
//! The answers are separated by the first zero byte.

#![no_main]

use lastgood_datto::look::Look;
use lastgood_datto::rest::{DeviceAnswer, collect, read_page};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let border = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    let (devices, assets) = bytes.split_at(border);
    let items = |body: &[u8]| read_page(body).unwrap_or_default().items;
    let assets = items(assets.strip_prefix(&[0]).unwrap_or_default());
    let at = "2026-03-02T12:00:00Z".parse().expect("a valid instant");
    let look = Look { keep_details: true, ..Look::new_rest(at) };
    let answer = |device| DeviceAnswer::new(device, &assets, None, &look);
    let answers = items(devices).into_iter().map(answer).collect();
    collect(answers, None, &look);
});
