//! Bearer tokens, by hash: the store never holds one that could be used. Those that are in use are known by heart, since
//! every request asks for one.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use jiff::Timestamp;

use super::Store;
use super::fault::{fault, unreadable};
use super::numbers::instant;
use crate::model::{Error, FailureKind, Result, Role, TokenName};

/// A token as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub name: String,
    pub role: Role,
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    pub created: Timestamp,
}

/// Tokens that were asked for, until one is deleted.
#[derive(Debug, Default)]
pub(super) struct Known(RwLock<Lookups>);

#[derive(Debug, Default)]
struct Lookups {
    found: HashMap<[u8; 32], Token>,
    /// Counts what was forgotten: what was read before may be out of date, and is not kept.
    forgotten: u64,
}

impl Known {
    /// The token, or how often tokens were forgotten until now.
    fn get(&self, hash: &[u8; 32]) -> Result<Token, u64> {
        let lookups = self.0.read().unwrap_or_else(PoisonError::into_inner);
        lookups.found.get(hash).cloned().ok_or(lookups.forgotten)
    }

    /// Keeps what was read since `forgotten` was that number.
    fn keep(&self, token: &Token, forgotten: u64) {
        let mut lookups = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if lookups.forgotten == forgotten {
            lookups.found.insert(token.hash, token.clone());
        }
    }

    fn forget(&self) {
        let mut lookups = self.0.write().unwrap_or_else(PoisonError::into_inner);
        lookups.found.clear();
        lookups.forgotten += 1;
    }
}

type Columns = (String, String, Vec<u8>, i64);

impl Store {
    /// Stores a token. `conflict` if its name or hash is taken.
    pub async fn insert_token(&self, name: &str, role: Role, hash: [u8; 32]) -> Result<Token> {
        let now = self.now();
        let mut tx = self.database.write().await?;
        let done =
            sqlx::query("INSERT INTO token (name, role, hash, created) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING")
                .bind(name)
                .bind(role.as_str())
                .bind(&hash[..])
                .bind(now)
                .execute(&mut *tx)
                .await
                .map_err(fault)?;
        if done.rows_affected() == 0 {
            return Err(Error::failure(FailureKind::Conflict, format!("there is a token {name} already")));
        }
        tx.commit().await.map_err(fault)?;
        Ok(Token { name: name.to_owned(), role, hash, created: instant(now)? })
    }

    /// Deletes a token. `not-found` if there is none of that name; `conflict` if it is the last operator's, because
    /// nobody could make another.
    pub async fn delete_token(&self, name: &TokenName) -> Result<()> {
        let mut tx = self.database.write().await?;
        let done = sqlx::query("DELETE FROM token WHERE name = $1")
            .bind(name.as_str())
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        if done.rows_affected() == 0 {
            return Err(Error::not_found(format!("there is no token {name}")));
        }
        let operators: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM token WHERE role = $1")
            .bind(Role::Operator.as_str())
            .fetch_one(&mut *tx)
            .await
            .map_err(fault)?;
        if operators == 0 {
            let message = format!("{name} is the last token of an operator; make another before it goes");
            return Err(Error::failure(FailureKind::Conflict, message));
        }
        let deleted = tx.commit().await.map_err(fault);
        self.tokens.forget();
        deleted
    }

    /// The token with that SHA-256.
    pub async fn token_by_hash(&self, hash: &[u8; 32]) -> Result<Option<Token>> {
        let forgotten = match self.tokens.get(hash) {
            Ok(token) => return Ok(Some(token)),
            Err(forgotten) => forgotten,
        };
        let found: Option<Columns> = sqlx::query_as("SELECT name, role, hash, created FROM token WHERE hash = $1")
            .bind(&hash[..])
            .fetch_optional(self.database.reader())
            .await
            .map_err(fault)?;
        let found = found.map(token).transpose()?;
        if let Some(token) = &found {
            self.tokens.keep(token, forgotten);
        }
        Ok(found)
    }

    /// All tokens, by name.
    pub async fn tokens(&self) -> Result<Vec<Token>> {
        let rows: Vec<Columns> = sqlx::query_as("SELECT name, role, hash, created FROM token ORDER BY name")
            .fetch_all(self.database.reader())
            .await
            .map_err(fault)?;
        rows.into_iter().map(token).collect()
    }
}

fn token((name, role, hash, created): Columns) -> Result<Token> {
    let role = match role.as_str() {
        "core" => Role::Core,
        "operator" => Role::Operator,
        other => return Err(unreadable("role", &other)),
    };
    let hash = <[u8; 32]>::try_from(hash).map_err(|_| unreadable("token hash", &"it has not 32 bytes"))?;
    Ok(Token { name, role, hash, created: instant(created)? })
}
