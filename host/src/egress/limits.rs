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
/// How long the machine's settings of DNS and its hosts file are taken for granted without another look at them.
pub const DNS_SETTINGS_KEPT: Duration = Duration::from_mins(1);
/// The longest wait for one address to take a connection.
pub const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// The longest handshake.
pub const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);
/// The most certificates an operator can give as roots of a destination.
pub const ROOTS_MAX: usize = 64;
/// How long the machine's own roots are believed without another look at them: so long a root counts that was taken away.
pub const MACHINE_ROOTS_KEPT: Duration = Duration::from_mins(5);

/// How long a connection is silent before the kernel asks its server whether it is still there. With the times below this
/// is less than a connection waits for its next use at most, so that one to a server that vanished is found out there.
pub const KEEP_ALIVE_AFTER: Duration = Duration::from_secs(15);
/// How long each answer to that is waited for.
pub const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(5);
/// How many times the server is asked in vain before the connection is given up.
pub const KEEP_ALIVE_TIMES: u32 = 4;
