//! The log: lines of JSON, of the levels that `LOG_LEVEL` lets through.
//!
//! A line never has a token, a secret, a header's value or a query.

use std::cell::Cell;

use wasm_bindgen::prelude::wasm_bindgen;
use worker::Env;

use crate::edge::runtime::{bindings, events};
use crate::json::{self, ToText as _};

#[wasm_bindgen(module = "/src/edge/runtime/log.js")]
extern "C" {
    /// Writes a line by a method of the console.
    pub fn write(method: &str, line: &str);
}

/// Variable that says which lines are written: those of its level and of each behind it.
const LEVEL_VARIABLE: &str = "LOG_LEVEL";

const LEVELS: [&str; 5] = ["debug", "info", "warn", "error", "off"];

/// The level of a request that was answered.
pub const INFO: usize = 1;

/// The level of what an operator should look at.
pub const WARN: usize = 2;

/// The level of what keeps the gateway from its work.
pub const ERROR: usize = 3;

thread_local! {
    static LEVEL: Cell<usize> = const { Cell::new(INFO) };
}

/// Takes the level over from its variable.
pub fn set_level(env: &Env) {
    let written = bindings::raw(env, LEVEL_VARIABLE).as_string().unwrap_or_default().to_ascii_lowercase();
    let level = LEVELS.iter().position(|level| *level == written);
    LEVEL.set(level.unwrap_or(INFO));
    if level.is_none() && !written.is_empty() {
        warn("log_level_unknown", "LOG_LEVEL is none of debug, info, warn, error and off: taken for info");
    }
}

/// Checks whether lines of a level are written.
pub fn is_written(level: usize) -> bool {
    level >= LEVEL.get()
}

/// Logs what keeps the gateway from its work.
pub fn error(code: &str, message: &str) {
    line(ERROR, code, message);
}

/// Logs what an operator should look at.
pub fn warn(code: &str, message: &str) {
    line(WARN, code, message);
}

fn line(level: usize, code: &str, message: &str) {
    events::count("log", code);
    if !is_written(level) {
        return;
    }
    let name = if level == ERROR { "error" } else { "warn" };
    let line =
        json::object(&mut [("level", name.into()), ("code", code.into()), ("message", message.into())]).to_text();
    write(name, &line);
}
