#!/usr/bin/env bash
# four-clients-keep-a-cookie-that-expired-in-the-year-70
#
# Expected: a cookie whose Expires lies in the past is deleted. A year of two digits from 70 to 99 is one of the 1900s, and each year from 1601
#   on is one.
# Seen: curl, HTTP::Cookies and HTTP::CookieJar of Perl, and http.cookiejar of Python, which Requests and HTTPie use, read 01-Jan-70 as 2070 and go on
#   sending the cookie, with an empty value. curl and http.cookiejar do so for the year 1900 too, and wget and http.cookiejar for one second
#   before 1970. http-cookie and httpclient of Ruby delete it each time, and all do for 1 January 1970 in four digits.
# Versions: curl 7.88.1-10+deb12u15, wget 1.21.3-1+deb12u1, libhttp-cookies-perl 6.10-1, libhttp-cookiejar-perl 0.014-1, ruby-http-cookie 1.0.5-1,
#   ruby-httpclient 2.8.3+git20211122.4658227-1, python3.11 3.11.2-6+deb12u9 (Debian 12)
# Why it matters: a service signs a visitor out with the date form of the first cookies, `Thu, 01-Jan-70 00:00:00 GMT`, or with `new Date(-1)`, and
#   browsers forget the cookie. Scripts and tests go on sending it, and a service that asks whether it is there takes them for signed in.
#   A deletion that all understand says `Thu, 01 Jan 1970 00:00:00 GMT`, and Max-Age=0 beside it.
# Source: RFC 6265 sections 5.1.1, 5.2.1 and 5.3; RFC 9110 section 5.6.7 (a year more than 50 years ahead is in the past: 2070 is not).
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
  curl=7.88.1-10+deb12u15 libcurl4=7.88.1-10+deb12u15 wget=1.21.3-1+deb12u1 libhttp-cookies-perl=6.10-1 libhttp-cookiejar-perl=0.014-1 \
  ruby3.1=3.1.7+really3.1.2-0+deb12u1 libruby3.1=3.1.7+really3.1.2-0+deb12u1 ruby-http-cookie=1.0.5-1 ruby-httpclient=2.8.3+git20211122.4658227-1 \
  python3.11=3.11.2-6+deb12u9 libpython3.11-minimal=3.11.2-6+deb12u9 libpython3.11-stdlib=3.11.2-6+deb12u9 python3.11-minimal=3.11.2-6+deb12u9 \
  >apt.log 2>&1 || unready "apt-get failed: $(tail -n 3 apt.log)"
for package in archives/*.deb; do dpkg -x "$package" root; done

printf '%s\n' 'Thu, 01 Jan 1970 00:00:00 GMT' 'Thu, 01-Jan-70 00:00:00 GMT' 'Fri, 01-Jan-99 00:00:00 GMT' 'Wed, 31 Dec 1969 23:59:59 GMT' \
  'Mon, 01 Jan 1900 00:00:00 GMT' >dates.txt
cat >probe.py <<'PROBE'
import http.cookiejar, http.server, os, subprocess, threading, urllib.request

dates = open("dates.txt").read().splitlines()

class Service(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        place = self.path[1:]
        cookie = "sid=abc; Path=/" if place == "login" else f"sid=; Path=/; Expires={dates[int(place)]}" if place.isdigit() else None
        body = (self.headers["Cookie"] or "no cookie").encode()
        self.send_response(200)
        if cookie:
            self.send_header("Set-Cookie", cookie)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}"

def ran(*command):
    return subprocess.run(command, env={"LD_LIBRARY_PATH": os.environ["PROBE_LIBRARIES"]}, capture_output=True, check=True, text=True).stdout

def of_curl(n):
    return ran("root/usr/bin/curl", "-s", "-b", "", f"{base}/login", "-o", "/dev/null", f"{base}/{n}", "-o", "/dev/null", f"{base}/now")

def of_wget(n):
    jar = ["--keep-session-cookies", "--load-cookies", f"jar{n}", "--save-cookies", f"jar{n}"]
    open(f"jar{n}", "w").close()
    for place in ["login", n]:
        ran("root/usr/bin/wget", "--no-config", "-q", *jar, "-O", "/dev/null", f"{base}/{place}")
    return ran("root/usr/bin/wget", "--no-config", "-q", *jar, "-O", "-", f"{base}/now")

def of_python(n):
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    return [opener.open(f"{base}/{place}").read().decode() for place in ["login", n, "now"]][-1]

for n, date in enumerate(dates):
    for name, read in {"curl": of_curl, "wget": of_wget, "http.cookiejar": of_python}.items():
        print(f"{date} -> {name}: {read(n)}")
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
    for my $line (@_) {
        my $answer = HTTP::Response->new(200, 'OK', ['Set-Cookie' => $line]);
        $answer->request(HTTP::Request->new(GET => $url));
        $jar->extract_cookies($answer);
    }
    my $next = HTTP::Request->new(GET => $url);
    $jar->add_cookie_header($next);
    return $next->header('Cookie') // 'no cookie';
}
sub of_cookiejar {
    my $jar = HTTP::CookieJar->new;
    $jar->add($url, $_) for @_;
    return $jar->cookie_header($url) || 'no cookie';
}
open my $dates, '<', 'dates.txt' or die $!;
while (my $date = <$dates>) {
    chomp $date;
    my @lines = ('sid=abc; Path=/', "sid=; Path=/; Expires=$date");
    print "$date -> HTTP::Cookies: ", of_lwp(@lines), "\n$date -> HTTP::CookieJar: ", of_cookiejar(@lines), "\n";
}
PROBE
cat >probe.rb <<'PROBE'
require 'http-cookie'
require 'httpclient'

URL = 'http://api.example/'.freeze
File.foreach('dates.txt', chomp: true) do |date|
  jar = HTTP::CookieJar.new
  manager = HTTPClient::CookieManager.new
  ['sid=abc; Path=/', "sid=; Path=/; Expires=#{date}"].each do |line|
    jar.parse(line, URL)
    manager.parse(line, URI(URL))
  end
  { 'http-cookie' => HTTP::Cookie.cookie_value(jar.cookies(URL)), 'httpclient' => manager.cookie_value(URI(URL)) }.each do |name, sent|
    puts "#{date} -> #{name}: #{sent.to_s.empty? ? 'no cookie' : sent}"
  end
end
PROBE
cat >expected.txt <<'EXPECTED'
Thu, 01 Jan 1970 00:00:00 GMT -> curl: no cookie
Thu, 01 Jan 1970 00:00:00 GMT -> wget: no cookie
Thu, 01 Jan 1970 00:00:00 GMT -> http.cookiejar: no cookie
Thu, 01-Jan-70 00:00:00 GMT -> curl: sid=
Thu, 01-Jan-70 00:00:00 GMT -> wget: no cookie
Thu, 01-Jan-70 00:00:00 GMT -> http.cookiejar: sid=
Fri, 01-Jan-99 00:00:00 GMT -> curl: no cookie
Fri, 01-Jan-99 00:00:00 GMT -> wget: no cookie
Fri, 01-Jan-99 00:00:00 GMT -> http.cookiejar: no cookie
Wed, 31 Dec 1969 23:59:59 GMT -> curl: no cookie
Wed, 31 Dec 1969 23:59:59 GMT -> wget: sid=
Wed, 31 Dec 1969 23:59:59 GMT -> http.cookiejar: sid=
Mon, 01 Jan 1900 00:00:00 GMT -> curl: sid=
Mon, 01 Jan 1900 00:00:00 GMT -> wget: no cookie
Mon, 01 Jan 1900 00:00:00 GMT -> http.cookiejar: sid=
Thu, 01 Jan 1970 00:00:00 GMT -> HTTP::Cookies: no cookie
Thu, 01 Jan 1970 00:00:00 GMT -> HTTP::CookieJar: no cookie
Thu, 01-Jan-70 00:00:00 GMT -> HTTP::Cookies: sid=
Thu, 01-Jan-70 00:00:00 GMT -> HTTP::CookieJar: sid=
Fri, 01-Jan-99 00:00:00 GMT -> HTTP::Cookies: no cookie
Fri, 01-Jan-99 00:00:00 GMT -> HTTP::CookieJar: no cookie
Wed, 31 Dec 1969 23:59:59 GMT -> HTTP::Cookies: no cookie
Wed, 31 Dec 1969 23:59:59 GMT -> HTTP::CookieJar: no cookie
Mon, 01 Jan 1900 00:00:00 GMT -> HTTP::Cookies: no cookie
Mon, 01 Jan 1900 00:00:00 GMT -> HTTP::CookieJar: no cookie
Thu, 01 Jan 1970 00:00:00 GMT -> http-cookie: no cookie
Thu, 01 Jan 1970 00:00:00 GMT -> httpclient: no cookie
Thu, 01-Jan-70 00:00:00 GMT -> http-cookie: no cookie
Thu, 01-Jan-70 00:00:00 GMT -> httpclient: no cookie
Fri, 01-Jan-99 00:00:00 GMT -> http-cookie: no cookie
Fri, 01-Jan-99 00:00:00 GMT -> httpclient: no cookie
Wed, 31 Dec 1969 23:59:59 GMT -> http-cookie: no cookie
Wed, 31 Dec 1969 23:59:59 GMT -> httpclient: no cookie
Mon, 01 Jan 1900 00:00:00 GMT -> http-cookie: no cookie
Mon, 01 Jan 1900 00:00:00 GMT -> httpclient: no cookie
EXPECTED

folders() { printf '%s:' "$@"; }
libraries=$(folders root/usr/lib/*-linux-gnu root/lib/*-linux-gnu)
{
  PROBE_LIBRARIES=$libraries PYTHONHOME=root/usr LD_LIBRARY_PATH=$libraries root/usr/bin/python3.11 probe.py
  perl -I root/usr/share/perl5 $(printf -- '-I %s ' root/usr/lib/*-linux-gnu/perl5/*) probe.pl
  ruby=$(folders root/usr/lib/ruby/vendor_ruby root/usr/lib/ruby/3.1.0 root/usr/lib/*-linux-gnu/ruby/3.1.0 root/usr/lib/*-linux-gnu/ruby/vendor_ruby/3.1.0 root/usr/share/rubygems-integration/*/gems/*/lib)
  LD_LIBRARY_PATH=$libraries RUBYLIB=$ruby root/usr/bin/ruby3.1 -W0 --disable-gems probe.rb
} >seen.txt 2>errors.txt || { echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
