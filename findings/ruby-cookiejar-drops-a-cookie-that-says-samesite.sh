#!/usr/bin/env bash
# ruby-cookiejar-drops-a-cookie-that-says-samesite
#
# Expected: a client ignores a cookie attribute that it does not know, and keeps the cookie. It sends the value back as it was set, with
#   quotation marks if it had them.
# Seen: cookiejar of Ruby raises at SameSite, Partitioned and Priority. em-http-request, which carries cookies through redirects with it,
#   rescues that and has no cookie. http-cookie, which Mechanize, rest-client and http.rb are built on, httpclient, and HTTP::Cookies of LWP keep the
#   cookie, but send `"abc"` back as `abc`. HTTP::CookieJar of Perl does neither.
# Versions: ruby-cookiejar 0.3.3-1.1, ruby-em-http-request 1.1.7-1, ruby-http-cookie 1.0.5-1, ruby-httpclient 2.8.3+git20211122.4658227-1,
#   libhttp-cookies-perl 6.10-1, libhttp-cookiejar-perl 0.014-1 (Debian 12)
# Why it matters: each session cookie of a gateway says SameSite. A Ruby client with this jar signs in, and where the login sends it on
#   it is told 401, with nothing in its log. A signed value in quotation marks fails its signature when it comes back without them.
#   Whoever sets cookies for clients that are no browsers puts no quotation marks around the value, and offers them a bearer token.
# Source: RFC 6265 sections 4.1.1, 5.2 and 5.2.1 to 5.2.6; parse_set_cookie in cookie_validation.rb of cookiejar; client.rb of em-http-request.
# Needs: Debian 12 with apt-get, its package lists up to date; perl with its core modules
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v apt-get >/dev/null || unready "apt-get is missing"
perl -MJSON::PP -e1 2>/dev/null || unready "perl or one of its core modules is missing"
mkdir -p archives/partial root
apt-get -qq -y -d --reinstall --no-install-recommends -o Debug::NoLocking=1 -o Dir::Cache::archives="$work/archives" install \
  ruby3.1=3.1.7+really3.1.2-0+deb12u1 libruby3.1=3.1.7+really3.1.2-0+deb12u1 ruby-cookiejar=0.3.3-1.1 \
  ruby-em-http-request=1.1.7-1 ruby-http-cookie=1.0.5-1 ruby-httpclient=2.8.3+git20211122.4658227-1 \
  libhttp-cookies-perl=6.10-1 libhttp-cookiejar-perl=0.014-1 >apt.log 2>&1 || unready "apt-get failed: $(tail -n 3 apt.log)"
for package in archives/*.deb; do dpkg -x "$package" root; done

printf '%s\n' 'sid=abc; Path=/; HttpOnly' 'sid=abc; Path=/; SameSite=Lax' 'sid=abc; Path=/; Partitioned' 'sid=abc; Path=/; Priority=High' 'sid="abc"; Path=/' >lines.txt
cat >probe.rb <<'PROBE'
require 'cookiejar'
require 'em-http-request'
require 'http-cookie'
require 'httpclient'

URL = 'http://api.example/'.freeze
jars = {
  'cookiejar' => lambda do |line|
    jar = CookieJar::Jar.new
    jar.set_cookie(URL, line)
    jar.get_cookie_header(URL)
  rescue CookieJar::InvalidCookieError => e
    e.message
  end,
  'em-http-request' => lambda do |line|
    jar = EventMachine::HttpClient::CookieJar.new
    jar.set(line, URI(URL))
    jar.get(URL).map(&:to_s).join
  end,
  'http-cookie' => lambda do |line|
    jar = HTTP::CookieJar.new
    jar.parse(line, URL)
    HTTP::Cookie.cookie_value(jar.cookies(URL))
  end,
  'httpclient' => lambda do |line|
    jar = HTTPClient::CookieManager.new
    jar.parse(line, URI(URL))
    jar.cookie_value(URI(URL))
  end
}
File.foreach('lines.txt', chomp: true) do |line|
  jars.each do |name, read|
    sent = read.call(line).to_s
    puts "#{line} -> #{name}: #{sent.empty? ? 'no cookie' : sent}"
  end
end
PROBE
cat >probe.pl <<'PROBE'
use strict;
use warnings;
use HTTP::CookieJar;
use HTTP::Cookies;
use HTTP::Request;
use HTTP::Response;

my $url = 'http://api.example/';
sub of_lwp {
    my $jar = HTTP::Cookies->new;
    my $answer = HTTP::Response->new(200, 'OK', ['Set-Cookie' => $_[0]]);
    $answer->request(HTTP::Request->new(GET => $url));
    $jar->extract_cookies($answer);
    my $next = HTTP::Request->new(GET => $url);
    $jar->add_cookie_header($next);
    return $next->header('Cookie') // 'no cookie';
}
sub of_cookiejar {
    my $jar = HTTP::CookieJar->new;
    $jar->add($url, $_[0]);
    return $jar->cookie_header($url) || 'no cookie';
}
open my $lines, '<', 'lines.txt' or die $!;
while (my $line = <$lines>) {
    chomp $line;
    print "$line -> HTTP::Cookies: ", of_lwp($line), "\n$line -> HTTP::CookieJar: ", of_cookiejar($line), "\n";
}
PROBE
cat >expected.txt <<'EXPECTED'
sid="abc"; Path=/ -> cookiejar: sid="abc"
sid="abc"; Path=/ -> em-http-request: sid="abc"
sid="abc"; Path=/ -> http-cookie: sid=abc
sid="abc"; Path=/ -> httpclient: sid=abc
sid="abc"; Path=/ -> HTTP::Cookies: sid=abc
sid="abc"; Path=/ -> HTTP::CookieJar: sid="abc"
sid=abc; Path=/; HttpOnly -> cookiejar: sid=abc
sid=abc; Path=/; HttpOnly -> em-http-request: sid=abc
sid=abc; Path=/; HttpOnly -> http-cookie: sid=abc
sid=abc; Path=/; HttpOnly -> httpclient: sid=abc
sid=abc; Path=/; HttpOnly -> HTTP::Cookies: sid=abc
sid=abc; Path=/; HttpOnly -> HTTP::CookieJar: sid=abc
sid=abc; Path=/; Partitioned -> cookiejar: Unknown cookie parameter 'partitioned'
sid=abc; Path=/; Partitioned -> em-http-request: no cookie
sid=abc; Path=/; Partitioned -> http-cookie: sid=abc
sid=abc; Path=/; Partitioned -> httpclient: sid=abc
sid=abc; Path=/; Partitioned -> HTTP::Cookies: sid=abc
sid=abc; Path=/; Partitioned -> HTTP::CookieJar: sid=abc
sid=abc; Path=/; Priority=High -> cookiejar: Unknown cookie parameter 'priority'
sid=abc; Path=/; Priority=High -> em-http-request: no cookie
sid=abc; Path=/; Priority=High -> http-cookie: sid=abc
sid=abc; Path=/; Priority=High -> httpclient: sid=abc
sid=abc; Path=/; Priority=High -> HTTP::Cookies: sid=abc
sid=abc; Path=/; Priority=High -> HTTP::CookieJar: sid=abc
sid=abc; Path=/; SameSite=Lax -> cookiejar: Unknown cookie parameter 'samesite'
sid=abc; Path=/; SameSite=Lax -> em-http-request: no cookie
sid=abc; Path=/; SameSite=Lax -> http-cookie: sid=abc
sid=abc; Path=/; SameSite=Lax -> httpclient: sid=abc
sid=abc; Path=/; SameSite=Lax -> HTTP::Cookies: sid=abc
sid=abc; Path=/; SameSite=Lax -> HTTP::CookieJar: sid=abc
EXPECTED

folders() { printf '%s:' "$@"; }
{
  ruby=$(folders root/usr/lib/ruby/vendor_ruby root/usr/lib/ruby/3.1.0 root/usr/lib/*-linux-gnu/ruby/3.1.0 root/usr/lib/*-linux-gnu/ruby/vendor_ruby/3.1.0 root/usr/share/rubygems-integration/*/gems/*/lib)
  LD_LIBRARY_PATH=$(folders root/usr/lib/*-linux-gnu) RUBYLIB=$ruby root/usr/bin/ruby3.1 -W0 --disable-gems probe.rb
  perl -I root/usr/share/perl5 $(printf -- '-I %s ' root/usr/lib/*-linux-gnu/perl5/*) probe.pl
} >seen.txt 2>errors.txt || { echo "the probe ended early:"; tail -n 5 errors.txt; }
LC_ALL=C sort -o seen.txt -s -t '>' -k 1,1 seen.txt
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
