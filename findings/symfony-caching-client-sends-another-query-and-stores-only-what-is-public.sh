#!/usr/bin/env bash
# symfony-caching-client-sends-another-query-and-stores-only-what-is-public
#
# Expected: a cache in a client sends the request that it was given if it has no answer, and keeps an answer that says `max-age=60`: a
#   private cache may keep any, and a shared one any to a request without Authorization.
# Seen: CachingHttpClient of Symfony sends another query: sorted, of two parameters with one name only the second, `?flag` as `?flag=`,
#   `ids%5B%5D` numbered. `Accept: application/json` goes out behind `text/html`, beside `Forwarded: for="127.0.0.1"`, an Accept-Language
#   and an Accept-Charset that nobody wrote. It keeps an answer only if that says `public`, or `s-maxage` to a request without a token.
# Versions: php-symfony-http-client and php-symfony-http-kernel 5.4.53+dfsg-0+deb12u1, php8.2-cli 8.2.36-1~deb12u1 (Debian 12)
# Why it matters: `?scope=read&scope=write` reaches the API as the second alone, and nothing fails. A signature over the address (RFC 9421, or
#   a signed URL) does not hold any more. A gateway that chooses the form of its errors by Accept answers with a page. An API that says
#   `max-age=60` for such clients is asked each time; it would have to say `public`, which is wrong for what a token protects.
# Source: RFC 3986 section 3.4; RFC 9110 sections 12.5.1 and 4.2.2; RFC 9111 sections 3 and 5.2.2.7; HttpClient/CachingHttpClient.php (request),
#   Request.php (create, normalizeQueryString) and ResponseHeaderBag.php (computeCacheControlValue) of HttpFoundation.
# Needs: Debian 12 with apt-get, its package lists up to date
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v apt-get >/dev/null || unready "apt-get is missing"
mkdir -p archives/partial root
apt-get -qq -y -d --reinstall --no-install-recommends -o Debug::NoLocking=1 -o Dir::Cache::archives="$work/archives" install \
  php8.2-cli=8.2.36-1~deb12u1 php-symfony-http-client=5.4.53+dfsg-0+deb12u1 php-symfony-http-kernel=5.4.53+dfsg-0+deb12u1 \
  php-symfony-http-foundation=5.4.53+dfsg-0+deb12u1 >apt.log 2>&1 || unready "apt-get failed: $(tail -n 3 apt.log)"
for package in archives/*.deb; do dpkg -x "$package" root; done

cat >probe.php <<'PROBE'
<?php
require 'Symfony/Component/HttpClient/autoload.php';
require 'Symfony/Component/HttpKernel/autoload.php';

use Symfony\Component\HttpClient\CachingHttpClient;
use Symfony\Component\HttpClient\MockHttpClient;
use Symfony\Component\HttpClient\Response\MockResponse;
use Symfony\Component\HttpKernel\HttpCache\Store;

$base = 'https://api.example/items';
$sent = [];
$cacheControl = 'max-age=60';
$network = new MockHttpClient(function (string $method, string $url, array $options) use (&$sent, &$cacheControl) {
    $sent[] = ['url' => $url, 'headers' => $options['headers']];
    return new MockResponse('{}', ['response_headers' => ["Cache-Control: $cacheControl"]]);
});
$client = new CachingHttpClient($network, new Store('cache'));
$ask = function (string $url, array $headers) use ($client, &$sent) {
    $sent = [];
    $client->request('GET', $url, ['headers' => $headers])->getContent();
    return $sent;
};

foreach (['?tag=b&tag=a', '?b=1&a=2', '?flag', '?ids%5B%5D=7&ids%5B%5D=8', '?q=a/b'] as $query) {
    echo "$query -> ", substr($ask($base.$query, [])[0]['url'], strlen($base)), "\n";
}
foreach ($ask($base, ['Accept' => 'application/json', 'Authorization' => 'Bearer t'])[0]['headers'] as $line) {
    echo "$line\n";
}
foreach (['max-age=60', 'max-age=60, private', 'max-age=60, public', 's-maxage=60'] as $cacheControl) {
    foreach (['without a token' => [], 'with a token' => ['Authorization' => 'Bearer t']] as $label => $headers) {
        $url = "https://api.example/$label/$cacheControl";
        $ask($url, $headers);
        echo "$cacheControl, $label: ", $ask($url, $headers) === [] ? 'kept' : 'asked again', "\n";
    }
}
PROBE
cat >expected.txt <<'EXPECTED'
?tag=b&tag=a -> ?tag=a
?b=1&a=2 -> ?a=2&b=1
?flag -> ?flag=
?ids%5B%5D=7&ids%5B%5D=8 -> ?ids%5B0%5D=7&ids%5B1%5D=8
?q=a/b -> ?q=a%2Fb
host: api.example
user-agent: Symfony
accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8
accept: application/json
accept-language: en-us,en;q=0.5
accept-charset: ISO-8859-1,utf-8;q=0.7,*;q=0.7
authorization: Bearer t
forwarded: for="127.0.0.1";host="api.example";proto=https
x-forwarded-for: 127.0.0.1
max-age=60, without a token: asked again
max-age=60, with a token: asked again
max-age=60, private, without a token: asked again
max-age=60, private, with a token: asked again
max-age=60, public, without a token: kept
max-age=60, public, with a token: kept
s-maxage=60, without a token: kept
s-maxage=60, with a token: asked again
EXPECTED

folders() { printf '%s:' "$@"; }
LD_LIBRARY_PATH=$(folders root/usr/lib/*-linux-gnu root/lib/*-linux-gnu) \
  timeout 60 root/usr/bin/php8.2 -n -d include_path=root/usr/share/php probe.php >seen.txt 2>errors.txt \
  || { echo "the probe ended early:"; tail -n 5 seen.txt errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
