//! Rows without end as NDJSON: one page is read, written and sent before the next is read, so a slow reader costs the
//! host one page and no more.
//!
//! The first page is read before the answer begins, so that what is wrong with the request is still a problem. A fault
//! later on cuts the connection: a reader that saw the end of the answer has everything.

use std::future::Future;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use futures_util::{StreamExt as _, stream};
use serde::Serialize;

use crate::model::{Error, Result};

/// The media type of lines of JSON.
pub(super) const NDJSON: &str = "application/x-ndjson";
/// Rows read at once.
pub(super) const PAGE_ROWS: u32 = 1000;

/// One page as text, and where the next one begins; none: it was the last.
pub(super) struct Lines<K> {
    text: String,
    next: Option<K>,
}

impl<K> Lines<K> {
    /// The lines of these rows. `next` is where the page after them begins.
    pub(super) fn of<R>(rows: &[R], next: Option<K>, write: impl Fn(&R, &mut String) -> Result<()>) -> Result<Self> {
        let mut text = String::new();
        rows.iter().try_for_each(|row| write(row, &mut text))?;
        Ok(Self { text, next })
    }
}

/// Answers with the lines that `page` reads, from `start` on.
pub(super) async fn stream<K, F, P>(start: K, page: F) -> Result<Response>
where
    K: Send + 'static,
    F: Fn(K) -> P + Send + 'static,
    P: Future<Output = Result<Lines<K>>> + Send + 'static,
{
    let first = page(start).await?;
    let rest = stream::try_unfold(first.next, move |next| {
        let reading = next.map(&page);
        async move {
            let Some(reading) = reading else { return Ok(None) };
            let lines =
                reading.await.inspect_err(|error| tracing::error!(%error, "a stream of lines was cut short"))?;
            Ok::<_, Error>(Some((lines.text, lines.next)))
        }
    });
    let body = Body::from_stream(stream::iter([Ok(first.text)]).chain(rest));
    Ok(([(CONTENT_TYPE, NDJSON)], body).into_response())
}

/// Writes one line: the keys of `head`, then those of `body`, the text of a JSON object.
pub(super) fn line(head: &impl Serialize, body: Option<&str>, into: &mut String) -> Result<()> {
    let broken = |why: String| Error::internal(format!("a row cannot be written as JSON: {why}"));
    let head = serde_json::to_string(head).map_err(|why| broken(why.to_string()))?;
    match body.map(|body| body.strip_prefix('{').ok_or(body)) {
        None | Some(Ok("}")) => into.push_str(&head),
        Some(Ok(rest)) => {
            into.push_str(head.strip_suffix('}').unwrap_or(&head));
            into.push(',');
            into.push_str(rest);
        }
        Some(Err(body)) => return Err(broken(format!("{} bytes that are no object", body.len()))),
    }
    into.push('\n');
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[derive(Serialize)]
    struct Head {
        uid: &'static str,
    }

    #[test]
    fn a_body_goes_on_where_the_head_ends() {
        let mut text = String::new();
        for body in [Some(r#"{"attributes":{"a":[1]}}"#), Some("{}"), None] {
            line(&Head { uid: "7" }, body, &mut text).unwrap();
        }
        assert_eq!(text, "{\"uid\":\"7\",\"attributes\":{\"a\":[1]}}\n{\"uid\":\"7\"}\n{\"uid\":\"7\"}\n");
        assert!(line(&Head { uid: "7" }, Some("[1]"), &mut text).is_err());
    }

    async fn count_to(last: u32, at: u32) -> Result<Lines<u32>> {
        Lines::of(&[at], (at < last).then_some(at + 1), |row, text| line(&serde_json::json!({"n": row}), None, text))
    }

    #[tokio::test]
    async fn every_page_is_sent_and_the_last_one_ends_the_answer() {
        let answer = stream(1, |at| count_to(3, at)).await.unwrap();
        let bytes = to_bytes(answer.into_body(), 1000).await.unwrap();
        assert_eq!(bytes, "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
    }

    #[tokio::test]
    async fn a_fault_in_the_middle_cuts_the_answer_and_one_at_the_start_is_told() {
        let faulty = |at| async move { if at == 2 { Err(Error::internal("gone")) } else { count_to(3, at).await } };
        let answer = stream(1, faulty).await.unwrap();
        assert!(to_bytes(answer.into_body(), 1000).await.is_err());
        assert!(stream(2, faulty).await.is_err());
    }
}
