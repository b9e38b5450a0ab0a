//! A connector that sends requests, one after the other: what a request costs is measured with it, and what a guest that
//! asks in a loop costs others.

use std::time::Duration;

use hawser_sdk::credentials;
use hawser_sdk::http::{Placement, Request};
use hawser_sdk::{Aspect, ClassInfo, ClassKind, Connector, Error, Finding, Probe, Result, Schema};

/// The connector.
#[derive(serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Courier {
    path: String,
    requests: u32,
    loop_ms: u64,
}

impl Connector for Courier {
    type Options = Self;

    fn open(options: Self) -> Result<Self> {
        Ok(options)
    }
}

impl Probe for Courier {
    fn check(&self, aspect: Aspect) -> Result<Vec<Finding>> {
        match aspect {
            Aspect::Connect => self.send(),
            Aspect::Complete => Ok(self.ask_in_a_loop()),
            Aspect::Incremental | Aspect::Provision => Err(Error::unsupported("it sends requests, and no more")),
        }
    }
}

impl Courier {
    /// Fails with the first answer that is no success.
    fn send(&self) -> Result<Vec<Finding>> {
        let token = credentials::get("token")?;
        let mut bytes = 0;
        for _ in 0..self.requests {
            let answer = Request::new("api", "GET", self.path.as_str()).secret(&token, Placement::Bearer).send()?;
            if !answer.is_success() {
                return Err(Error::conflict(format!("it was answered with {}", answer.status)));
            }
            bytes += answer.body.len();
        }
        Ok(vec![Finding::fine(format!("{bytes} bytes"))])
    }

    /// Tells how often it was answered, and how often not.
    fn ask_in_a_loop(&self) -> Vec<Finding> {
        let end = hawser_sdk::call::remaining().saturating_sub(Duration::from_millis(self.loop_ms));
        let (mut answered, mut refused) = (0, 0);
        while hawser_sdk::call::remaining() > end {
            match Request::new("elsewhere", "GET", self.path.as_str()).send() {
                Ok(_) => answered += 1,
                Err(_) => refused += 1,
            }
        }
        vec![Finding::fine(format!("answered {answered}, refused {refused}"))]
    }
}

impl Schema for Courier {
    fn schema(&self) -> Result<Vec<ClassInfo>> {
        Ok(vec![ClassInfo::new(ClassKind::Account, "account", "Account")])
    }
}

hawser_sdk::export!(Courier: Probe, Schema);
