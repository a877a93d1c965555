//! Durable Objects from inside: what each class answers to a message, and does at its alarm.
//!
//! `library.mjs` has the classes, which hand every message and alarm to [`answer`].

mod logout_index;
mod refresh_exchange;
mod session;

use std::future::ready;

use wasm_bindgen::JsValue;

use crate::edge::gateway::loader;
use crate::edge::runtime::boxed::Boxed;
use crate::edge::runtime::invocation::Detached;
use crate::edge::runtime::stored_object::{MALFORMED_MESSAGE, StoredObject};
use crate::edge::runtime::work::Work;
use crate::objects::Class;

/// Returns the work of answering a message to an object, or of its alarm if there is no message.
pub fn answer(object: StoredObject, kind: &str, message: Option<String>) -> Work {
    let class = Class::named(kind);
    Box::pin(async move {
        let class = class.ok_or("there is no such class")?;
        let detached = Detached(object.env());
        let Some(message) = message else {
            // What is over is erased whatever is deployed: an alarm needs a config only to revoke.
            match class {
                Class::RefreshExchange => refresh_exchange::on_alarm(&object).await?,
                Class::Session => session::on_alarm(&object, loader::current(&detached).await.ok()).await?,
                Class::LogoutIndex => logout_index::on_alarm(&object).await?,
                // It is all JavaScript.
                Class::DpopProofs => {}
            }
            return Ok(JsValue::UNDEFINED);
        };
        let gateway = loader::current(&detached).await.map_err(|problem| problem.code())?;
        let answer: Boxed<'_, Result<String, JsValue>> = match class {
            Class::RefreshExchange => Box::pin(refresh_exchange::answer(&object, &gateway, &message)),
            Class::Session => {
                Box::pin(async { session::answer(&object, &gateway, &message).await.map(|answer| answer.to_json()) })
            }
            Class::LogoutIndex => Box::pin(logout_index::answer(&object, &message)),
            Class::DpopProofs => Box::pin(ready(Err(MALFORMED_MESSAGE.into()))),
        };
        Ok(answer.await?.into())
    })
}
