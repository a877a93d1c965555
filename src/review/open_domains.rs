//! Domains below which anybody can get a name, so that a star before one lets everybody in.
//!
//! They are those where front ends are hosted, and what registries sell names below. It is **not** the whole Public Suffix List:
//! one that is missing here is not warned of.

use crate::config::ListedOrigin;

/// Where platforms give names to their users.
const PLATFORMS: [&str; 44] = [
    "amazonaws.com",
    "amplifyapp.com",
    "app.github.dev",
    "appspot.com",
    "azurestaticapps.net",
    "azurewebsites.net",
    "blogspot.com",
    "bolt.host",
    "cloudfront.net",
    "csb.app",
    "deno.dev",
    "deno.net",
    "firebaseapp.com",
    "fly.dev",
    "framer.app",
    "github.io",
    "gitlab.io",
    "glitch.me",
    "herokuapp.com",
    "loca.lt",
    "lovable.app",
    "myshopify.com",
    "netlify.app",
    "ngrok-free.app",
    "ngrok.app",
    "ngrok.io",
    "nip.io",
    "now.sh",
    "ondigitalocean.app",
    "onrender.com",
    "pages.dev",
    "replit.app",
    "replit.dev",
    "run.app",
    "sslip.io",
    "surge.sh",
    "trycloudflare.com",
    "up.railway.app",
    "vercel.app",
    "web.app",
    "webcontainer.io",
    "webflow.io",
    "wixsite.com",
    "workers.dev",
];

/// Platforms that put the user's name before a region or a service.
const REGIONAL: [&str; 3] = ["amazonaws.com", "azurestaticapps.net", "run.app"];

/// The label before the two letters of a country if names are sold below both.
const SECOND_LEVELS: [&str; 9] = ["ac", "co", "com", "edu", "gov", "me", "ne", "net", "org"];

/// Returns the domain below which the star is, if anybody can get a name there.
pub(super) fn open_domain(starred: &ListedOrigin) -> Option<&str> {
    let domain = starred.behind_star()?.strip_prefix('.')?.split(':').next()?.trim_end_matches('.');
    let is_of_country =
        domain.split_once('.').is_some_and(|(second, country)| country.len() == 2 && SECOND_LEVELS.contains(&second));
    let is_regional =
        REGIONAL.iter().any(|platform| domain.strip_suffix(platform).is_some_and(|rest| rest.ends_with('.')));
    (PLATFORMS.contains(&domain) || is_of_country || is_regional).then_some(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_before_a_domain_that_gives_names_to_anybody_is_known() {
        let table = [
            ("https://*.pages.dev", Some("pages.dev")),
            ("https://*.workers.dev:8443", Some("workers.dev")),
            ("https://*.vercel.app.", Some("vercel.app")),
            ("https://*.shop.pages.dev", None),
            ("https://*.notpages.dev", None),
            ("https://*.co.uk", Some("co.uk")),
            ("https://*.example.co.uk", None),
            ("https://*.shop.uk", None),
            ("https://*.s3.eu-west-1.amazonaws.com", Some("s3.eu-west-1.amazonaws.com")),
            ("https://*.notamazonaws.com", None),
            ("http://localhost:*", None),
            ("http://*.localhost", None),
        ];
        for (text, expected) in table {
            let starred = ListedOrigin::parse_starred(text).unwrap();
            assert_eq!(open_domain(&starred), expected, "{text}");
        }
    }
}
