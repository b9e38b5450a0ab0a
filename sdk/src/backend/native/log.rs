//! The log of native tests: lines a test can look at.

use super::current;

pub(crate) use crate::bindings::host::log::Level;

pub(crate) fn write(level: Level, message: &str, fields: &[(String, String)]) {
    let mut line = format!("{level:?} {message}");
    for (name, value) in fields {
        line.push_str(&format!(" {name}={value}"));
    }
    current().logs.borrow_mut().push(line);
}
