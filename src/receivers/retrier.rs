//! What the status of an answer means.
//!
//! Alertmanager 0.34: 2xx is success, 5xx is worth another attempt, and so is a status that the
//! integration lists; anything else is final. `Retry-After` is not looked at.

use http::StatusCode;

use super::outcome::{Failure, Outcome, Reason, ReceiverData};

/// Whether the receiver took it.
#[must_use]
pub fn is_success(status: StatusCode) -> bool {
    status.is_success()
}

/// What an answer with that status means, if these are worth another attempt besides 5xx. `detail`
/// is what the receiver has to say about it; may be empty.
#[must_use]
pub fn judge(status: StatusCode, detail: &str, also_retried: &[StatusCode]) -> Outcome {
    if is_success(status) {
        return Outcome::Delivered(ReceiverData::new());
    }
    let code = status.as_u16();
    let text = match detail {
        "" => format!("unexpected status code {code}"),
        _ => format!("unexpected status code {code}: {detail}"),
    };
    let failure = Failure::new(reason(status), text).with_status(code);
    match status.is_server_error() || also_retried.contains(&status) {
        true => Outcome::Retryable(failure),
        false => Outcome::Permanent(failure),
    }
}

fn reason(status: StatusCode) -> Reason {
    match status.as_u16() {
        401 | 403 => Reason::AuthError,
        429 => Reason::RateLimited,
        400..=499 => Reason::ClientError,
        500..=599 => Reason::ServerError,
        _ => Reason::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_5xx_and_what_an_integration_lists_is_retried() {
        let listed = [StatusCode::TOO_MANY_REQUESTS, StatusCode::FORBIDDEN];
        let mut wrong = Vec::new();
        for code in 100..600 {
            let status = StatusCode::from_u16(code).unwrap();
            let is_listed = code == 403 || code == 429;
            let seen = [&[][..], &listed].map(|also| match judge(status, "", also) {
                Outcome::Delivered(_) => 'd',
                Outcome::Retryable(_) => 'r',
                Outcome::Permanent(_) => 'p',
            });
            let expected = match code {
                200..=299 => ['d', 'd'],
                500.. => ['r', 'r'],
                _ if is_listed => ['p', 'r'],
                _ => ['p', 'p'],
            };
            if seen != expected {
                wrong.push((code, seen));
            }
        }
        assert_eq!(wrong, []);
    }

    #[test]
    fn texts_and_reasons_are_alertmanagers() {
        let judged = [
            (400, "{\"status\":\"invalid event\"}"),
            (400, ""),
            (401, ""),
            (403, ""),
            (404, ""),
            (429, "slow down"),
            (500, ""),
            (503, "busy"),
            (301, ""),
        ]
        .map(|(code, detail)| {
            match judge(StatusCode::from_u16(code).unwrap(), detail, &[]) {
                Outcome::Delivered(_) => String::new(),
                Outcome::Retryable(failure) => format!("retry {} {failure}", failure.reason),
                Outcome::Permanent(failure) => format!("final {} {failure}", failure.reason),
            }
        });
        let expected = [
            "final clientError unexpected status code 400: {\"status\":\"invalid event\"}",
            "final clientError unexpected status code 400",
            "final authError unexpected status code 401",
            "final authError unexpected status code 403",
            "final clientError unexpected status code 404",
            "final rateLimited unexpected status code 429: slow down",
            "retry serverError unexpected status code 500",
            "retry serverError unexpected status code 503: busy",
            "final other unexpected status code 301",
        ];
        assert_eq!(judged, expected);
    }
}
