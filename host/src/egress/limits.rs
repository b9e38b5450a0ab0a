//! Every bound of the gate, with its unit.

use std::time::Duration;

/// The longest look-up of a name, whatever its servers do.
pub const LOOKUP_TIME_MAX: Duration = Duration::from_secs(5);
/// The longest wait for one server's answer.
pub const ATTEMPT_TIME_MAX: Duration = Duration::from_secs(2);
/// How often a server is asked.
pub const ATTEMPTS: usize = 2;
/// The most addresses of a name.
pub const ADDRESSES_MAX: usize = 32;
/// The longest wait for one address to take a connection.
pub const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// The longest handshake.
pub const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);
/// The most certificates an operator can give as roots of a destination.
pub const ROOTS_MAX: usize = 64;
