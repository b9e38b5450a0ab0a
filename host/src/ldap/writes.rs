//! What changes a directory, one request each, and the questions that take a connection of their own.

use std::sync::Arc;

use tokio::time::Instant;
use zeroize::Zeroizing;

use super::failure::{judged, unknown};
use super::limits::REQUEST_BYTES_MAX;
use super::message::{
    Bind, Control, Modification, NewAttribute, Outcome, PASSWORD_MODIFY, Request, password_modify, policy, size,
};
use super::pool::{Lease, Pool, To};
use super::reads::without_passwords;
use super::rules;
use super::session::Session;
use crate::egress::Egress;
use crate::model::{Failure, FailureKind, Secret};

/// A change.
pub enum Write {
    Add {
        dn: String,
        attributes: Vec<NewAttribute>,
    },
    Modify {
        dn: String,
        changes: Vec<Modification>,
    },
    Delete {
        dn: String,
    },
    Rename {
        dn: String,
        new_rdn: String,
        delete_old: bool,
        new_superior: Option<String>,
    },
    /// As an administrator (RFC 3062).
    SetPassword {
        dn: String,
        new: Secret,
    },
}

/// Makes a change. The answer's controls, without passwords.
///
/// # Errors
/// `credential-denied`, `unsupported` for what a guest may not say.
/// What the directory answers; `outcome-unknown` if the change was sent and nothing came back.
pub async fn write(
    pool: &Pool,
    egress: &Egress,
    to: &Arc<To>,
    write: &Write,
    mut controls: Vec<Control>,
    end: Instant,
) -> Result<Vec<Control>, Failure> {
    rules::write(write)?;
    rules::controls(&controls)?;
    write.fits()?;
    if write.may_meet_a_policy() {
        controls.push(policy());
    }
    let password = write.password();
    let lease = pool.lease(egress, to, end).await?;
    let outcome =
        asked(lease, &write.request(password.as_deref().map(Vec::as_slice)), &controls, end).await.map_err(unknown)?;
    judged(&outcome).map(|()| without_passwords(outcome.controls))
}

/// As whom the session is logged in, in the server's words (RFC 4532), or another extended operation a guest may have.
///
/// # Errors
/// `unsupported` for an operation that is not on the list; what the directory answers.
pub async fn extended(
    pool: &Pool,
    egress: &Egress,
    to: &Arc<To>,
    (oid, value): (&str, Option<&[u8]>),
    end: Instant,
) -> Result<Option<Vec<u8>>, Failure> {
    rules::extended(oid)?;
    let lease = pool.lease(egress, to, end).await?;
    let outcome = asked(lease, &Request::Extended { oid, value }, &[], end).await?;
    judged(&outcome).map(|()| outcome.value)
}

/// Logs in as somebody, on a connection of its own that is closed afterwards.
///
/// # Errors
/// `invalid-credential`, `password-expired` and their kin, as the directory says; as [`Session::connect`].
pub async fn verify(egress: &Egress, to: &To, dn: &str, password: &Secret, end: Instant) -> Result<(), Failure> {
    let (session, outcome) = logged_in(egress, to, dn, password, end).await?;
    session.close().await;
    judged(&outcome)
}

/// Changes somebody's password as he does it himself (RFC 3062): logged in with the old one, on a connection of its own,
/// so that the server holds him to its rules for that and does not take it for a reset.
///
/// # Errors
/// `invalid-credential` and its kin for the old password; what the server says of the new one; `outcome-unknown`.
pub async fn change_password(
    egress: &Egress,
    to: &To,
    dn: &str,
    (old, new): (&Secret, &Secret),
    end: Instant,
) -> Result<(), Failure> {
    let (mut session, login) = logged_in(egress, to, dn, old, end).await?;
    // Who has to change his password may do nothing else; that much he may.
    if let Err(failure) = judged(&login)
        && !(login.code == 0 && failure.kind == FailureKind::PasswordExpired)
    {
        return Err(failure);
    }
    let value = password_modify(dn, Some(old.expose()), new.expose());
    let request = Request::Extended { oid: PASSWORD_MODIFY, value: Some(&value) };
    let outcome = session.ask(&request, &[policy()], end).await.map_err(unknown)?;
    session.close().await;
    judged(&outcome)
}

/// A connection of somebody's own, and what the server said of his login.
async fn logged_in(
    egress: &Egress,
    to: &To,
    dn: &str,
    password: &Secret,
    end: Instant,
) -> Result<(Session, Outcome), Failure> {
    if dn.is_empty() {
        // RFC 4513, 5.1.1: that is nobody's login, and takes no password.
        return Err(Failure::new(FailureKind::InvalidCredential, "a login without a name proves nothing"));
    }
    let mut session = Session::connect(egress, &to.route, to.protection, end).await?;
    let bind = Request::Bind(Bind::Simple { dn, password: password.expose() });
    let outcome = session.ask(&bind, &[policy()], end).await?;
    Ok((session, outcome))
}

async fn asked(
    mut lease: Lease,
    request: &Request<'_>,
    controls: &[Control],
    end: Instant,
) -> Result<Outcome, Failure> {
    let outcome = lease.session.ask(request, controls, end).await?;
    lease.give_back();
    Ok(outcome)
}

impl Write {
    fn request<'a>(&'a self, password: Option<&'a [u8]>) -> Request<'a> {
        match self {
            Self::Add { dn, attributes } => Request::Add { dn, attributes },
            Self::Modify { dn, changes } => Request::Modify { dn, changes },
            Self::Delete { dn } => Request::Delete { dn },
            Self::Rename { dn, new_rdn, delete_old, new_superior } => {
                Request::Rename { dn, new_rdn, delete_old: *delete_old, new_superior: new_superior.as_deref() }
            }
            Self::SetPassword { .. } => Request::Extended { oid: PASSWORD_MODIFY, value: password },
        }
    }

    /// The value of a password modify request.
    fn password(&self) -> Option<Zeroizing<Vec<u8>>> {
        let Self::SetPassword { dn, new } = self else { return None };
        Some(password_modify(dn, None, new.expose()))
    }

    fn may_meet_a_policy(&self) -> bool {
        matches!(self, Self::Add { .. } | Self::Modify { .. } | Self::SetPassword { .. })
    }

    /// Before it is written down: is it within the size of a request?
    fn fits(&self) -> Result<(), Failure> {
        let bytes = match self {
            Self::Add { attributes, .. } => size(attributes),
            Self::Modify { changes, .. } => size(changes.iter().map(|change| &change.attribute)),
            Self::Delete { .. } | Self::Rename { .. } | Self::SetPassword { .. } => 0,
        };
        if bytes <= REQUEST_BYTES_MAX {
            return Ok(());
        }
        let message = format!("{bytes} bytes of values; a request may have {REQUEST_BYTES_MAX}: change less at once");
        Err(Failure::new(FailureKind::QuotaExceeded, message))
    }
}
