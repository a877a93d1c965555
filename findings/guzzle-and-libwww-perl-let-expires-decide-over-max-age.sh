#!/usr/bin/env bash
# guzzle-and-libwww-perl-let-expires-decide-over-max-age
#
# Expected: if a cookie has both Max-Age and Expires, Max-Age decides, and `Max-Age=0` deletes the cookie.
# Seen: the jar of Guzzle lets Expires decide, and takes `Max-Age=0` for no lifetime: the cookie stays as long as the jar does.
#   HTTP::Cookies, the jar of LWP and WWW::Mechanize, does not know Max-Age in `Set-Cookie` at all: a cookie of one minute has no
#   end. HTTP::CookieJar (Perl) reads both.
# Versions: php-guzzlehttp-guzzle 7.4.5-1, libhttp-cookies-perl 6.10-1, libhttp-cookiejar-perl 0.014-1 (Debian 12)
# Why it matters: after a logout that is told by `Max-Age=0` such a client sends its session cookie on, and a script that waits for
#   the end of a session waits for ever. An Expires that a server with a slow clock computed ends a cookie at once. A deletion that is to arrive
#   everywhere has `Max-Age=0` and an Expires in the past, which all three understand.
# Source: RFC 6265 sections 4.1.2.2 and 5.3, step 3; CookieJar::setCookie and SetCookie of Guzzle; extract_cookies of HTTP::Cookies.
# Needs: Debian 12 with apt-get, its package lists up to date
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v apt-get >/dev/null || unready "apt-get is missing"
mkdir -p archives/partial root
apt-get -qq -y -d --reinstall --no-install-recommends -o Debug::NoLocking=1 -o Dir::Cache::archives="$work/archives" \
  install php-guzzlehttp-guzzle=7.4.5-1 php8.2-cli libhttp-cookies-perl=6.10-1 libhttp-cookiejar-perl=0.014-1 >apt.log 2>&1 \
  || unready "apt-get failed: $(tail -n 3 apt.log)"
for package in archives/*.deb; do dpkg -x "$package" root; done

cat >lines.txt <<'LINES'
sid=1; Max-Age=60
sid=1; Max-Age=0
sid=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT
sid=1; Max-Age=0; Expires=Thu, 31 Dec 2099 23:59:59 GMT
sid=1; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT
LINES
cat >probe.php <<'PROBE'
<?php
require 'GuzzleHttp/autoload.php';
use GuzzleHttp\Cookie\CookieJar;
use GuzzleHttp\Psr7\{Request, Response};

foreach (file('lines.txt', FILE_IGNORE_NEW_LINES) as $line) {
    $jar = new CookieJar();
    $request = new Request('GET', 'https://app.example.com/');
    $jar->extractCookies($request, new Response(200, ['Set-Cookie' => 'sid=0']));
    $jar->extractCookies($request, new Response(200, ['Set-Cookie' => $line]));
    $cookie = $jar->toArray()[0] ?? null;
    $sent = $jar->withCookieHeader($request)->hasHeader('Cookie');
    $state = !$sent ? 'gone' : ($cookie['Expires'] === null ? 'kept without an end' : 'kept with an end');
    echo "Guzzle, $line: $state\n";
}
PROBE
cat >probe.pl <<'PROBE'
use strict;
use warnings;
use HTTP::Cookies;
use HTTP::CookieJar;
use HTTP::Request;
use HTTP::Response;

open my $lines, '<', 'lines.txt' or die $!;
chomp(my @lines = <$lines>);
for my $line (@lines) {
    my $jar = HTTP::Cookies->new;
    for my $field ('sid=0', $line) {
        my $response = HTTP::Response->new(200, 'OK', ['Set-Cookie' => $field]);
        $response->request(HTTP::Request->new(GET => 'https://app.example.com/'));
        $jar->extract_cookies($response);
    }
    my $kept = $jar->as_string;
    print "HTTP::Cookies, $line: ", $kept eq '' ? 'gone' : $kept =~ /expires=/ ? 'kept with an end' : 'kept without an end', "\n";
}
for my $line (@lines) {
    my $jar = HTTP::CookieJar->new;
    $jar->add('https://app.example.com/', $_) for 'sid=0', $line;
    my ($kept) = $jar->cookies_for('https://app.example.com/');
    print "HTTP::CookieJar, $line: ", !$kept ? 'gone' : $kept->{expires} ? 'kept with an end' : 'kept without an end', "\n";
}
PROBE
cat >expected.txt <<'EXPECTED'
Guzzle, sid=1; Max-Age=60: kept with an end
Guzzle, sid=1; Max-Age=0: kept without an end
Guzzle, sid=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT: gone
Guzzle, sid=1; Max-Age=0; Expires=Thu, 31 Dec 2099 23:59:59 GMT: kept with an end
Guzzle, sid=1; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT: gone
HTTP::Cookies, sid=1; Max-Age=60: kept without an end
HTTP::Cookies, sid=1; Max-Age=0: kept without an end
HTTP::Cookies, sid=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT: gone
HTTP::Cookies, sid=1; Max-Age=0; Expires=Thu, 31 Dec 2099 23:59:59 GMT: kept with an end
HTTP::Cookies, sid=1; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT: gone
HTTP::CookieJar, sid=1; Max-Age=60: kept with an end
HTTP::CookieJar, sid=1; Max-Age=0: gone
HTTP::CookieJar, sid=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT: kept with an end
HTTP::CookieJar, sid=1; Max-Age=0; Expires=Thu, 31 Dec 2099 23:59:59 GMT: gone
HTTP::CookieJar, sid=1; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT: gone
EXPECTED

libraries=$(echo root/usr/lib/*-linux-gnu)
{
  LD_LIBRARY_PATH=$libraries root/usr/bin/php8.2 -n -d include_path=root/usr/share/php probe.php
  perl -I root/usr/share/perl5 $(printf -- '-I %s ' root/usr/lib/*-linux-gnu/perl5/*) probe.pl
} >seen.txt 2>errors.txt || { echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
