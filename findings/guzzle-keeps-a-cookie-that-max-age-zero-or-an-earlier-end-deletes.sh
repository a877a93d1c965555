#!/usr/bin/env bash
# guzzle-keeps-a-cookie-that-max-age-zero-or-an-earlier-end-deletes
#
# Expected: a cookie with the same name, domain and path replaces the one before. `Max-Age=0` deletes it, and if both are there `Max-Age`
#   goes before `Expires`.
# Seen: the CookieJar of Guzzle reads `Max-Age=0` as no lifetime at all: it goes on to send the cookie, with the value of the deletion.
#   A cookie that comes with the value that it has already replaces nothing, unless its end is later: neither a deletion nor a shorter
#   lifetime counts. If both are there `Expires` goes first, so `Max-Age=600` beside a past date is a deletion.
# Versions: php-guzzlehttp-guzzle 7.4.5-1, php-guzzlehttp-psr7 2.4.5-1+deb12u1, php8.2-cli 8.2.36-1~deb12u1 (Debian 12)
# Why it matters: a sign-out that says only `Max-Age=0` is none to a PHP client: each later request brings `sid=`, which is a session that
#   nobody knows. A session that is to end sooner goes on to its old end. A gateway that deletes a cookie says `Max-Age=0` and a date
#   of the past, and leaves the value empty; that does delete it here.
# Source: RFC 6265 sections 3.1, 4.1.2.2, 5.2.2 and 5.3 (steps 3 and 11); Cookie/SetCookie.php (__construct) and Cookie/CookieJar.php (setCookie).
# Needs: Debian 12 with apt-get, its package lists up to date
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v apt-get >/dev/null || unready "apt-get is missing"
mkdir -p archives/partial root
apt-get -qq -y -d --reinstall --no-install-recommends -o Debug::NoLocking=1 -o Dir::Cache::archives="$work/archives" install \
  php8.2-cli=8.2.36-1~deb12u1 php-guzzlehttp-guzzle=7.4.5-1 php-guzzlehttp-psr7=2.4.5-1+deb12u1 >apt.log 2>&1 \
  || unready "apt-get failed: $(tail -n 3 apt.log)"
for package in archives/*.deb; do dpkg -x "$package" root; done

cat >probe.php <<'PROBE'
<?php
require 'GuzzleHttp/autoload.php';

use GuzzleHttp\Cookie\CookieJar;
use GuzzleHttp\Psr7\Request;
use GuzzleHttp\Psr7\Response;

$past = 'Expires=Thu, 01 Jan 1970 00:00:00 GMT';
$cases = [
    ['sid=abc; Path=/'],
    ['sid=abc; Path=/', 'sid=; Path=/; Max-Age=0'],
    ['__Host-sid=abc; Path=/; Secure; Max-Age=600', '__Host-sid=; Path=/; Secure; Max-Age=0'],
    ['sid=abc; Path=/', 'sid=abc; Path=/; Max-Age=0'],
    ['sid=abc; Path=/; Max-Age=600', "sid=abc; Path=/; $past"],
    ["sid=abc; Path=/; Max-Age=600; $past"],
    ['sid=abc; Path=/; Max-Age=600', "sid=; Path=/; $past"],
    ['sid=abc; Path=/; Max-Age=600', "sid=; Path=/; Max-Age=0; $past"],
];
$request = new Request('GET', 'https://app.example/');
foreach ($cases as $lines) {
    $jar = new CookieJar();
    foreach ($lines as $line) {
        $jar->extractCookies($request, new Response(200, ['Set-Cookie' => $line]));
    }
    $sent = $jar->withCookieHeader($request)->getHeaderLine('Cookie');
    echo implode(' | ', $lines), ' -> ', $sent === '' ? 'nothing' : $sent, "\n";
}

$jar = new CookieJar();
foreach (['sid=abc; Path=/; Max-Age=86400', 'sid=abc; Path=/; Max-Age=60'] as $line) {
    $jar->extractCookies($request, new Response(200, ['Set-Cookie' => $line]));
}
$left = $jar->getCookieByName('sid')->getExpires() - time();
echo 'a day, and then 60 seconds for the same value -> ', $left > 3600 ? 'a day' : 'a minute', "\n";
PROBE
cat >expected.txt <<'EXPECTED'
sid=abc; Path=/ -> sid=abc
sid=abc; Path=/ | sid=; Path=/; Max-Age=0 -> sid=
__Host-sid=abc; Path=/; Secure; Max-Age=600 | __Host-sid=; Path=/; Secure; Max-Age=0 -> __Host-sid=
sid=abc; Path=/ | sid=abc; Path=/; Max-Age=0 -> sid=abc
sid=abc; Path=/; Max-Age=600 | sid=abc; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT -> sid=abc
sid=abc; Path=/; Max-Age=600; Expires=Thu, 01 Jan 1970 00:00:00 GMT -> nothing
sid=abc; Path=/; Max-Age=600 | sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT -> nothing
sid=abc; Path=/; Max-Age=600 | sid=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT -> nothing
a day, and then 60 seconds for the same value -> a day
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
