#!/usr/bin/env bash
# rack-and-cgi-read-a-plus-in-a-cookie-as-a-space
#
# Expected: a cookie value is opaque: `+`, `/`, `=`, `&` and `%` are ordinary characters of it, and who set `sid=a+b` is sent and reads `a+b`.
# Seen: Rack, which Rails and Sinatra are built on, CGI of Ruby, and CGI and CGI::Simple of Perl read `a b`. For `a&b` the CGI modules and
#   Dancer2 have two values. `%2B` is `+` for seven and stays what it is for Mojolicious and WEBrick. Four drop quotation marks.
# Versions: ruby-rack 2.2.22-0+deb12u2, ruby3.1 3.1.7+really3.1.2-0+deb12u1 (CGI), ruby-webrick 1.8.1-1, libcgi-pm-perl 4.55-1,
#   libcgi-simple-perl 1.280-2+deb12u1, libplack-perl 1.0050-1, libdancer2-perl 0.400001+dfsg-1, libmojolicious-perl 9.31+dfsg-1,
#   php8.2-cli 8.2.36-1~deb12u1 (Debian 12)
# Why it matters: a gateway or a service in another language sets a session id or a token in base64, and of ids of 32 bytes every second one has a
#   `+` in it. The Ruby or Perl service behind the same host then looks for an id that nobody has: half of the users cannot stay signed in,
#   and another login may help. Base64url without padding is the same to all nine.
# Source: RFC 6265 sections 4.1.1, 4.2.2 and 5.2; Rack::Utils.parse_cookies_header; CGI::Cookie.parse of Ruby; CGI/Cookie.pm.
# Needs: Debian 12 with apt-get, its package lists up to date; perl with its core modules; python3
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v apt-get >/dev/null || unready "apt-get is missing"
perl -MJSON::PP -e1 2>/dev/null || unready "perl or one of its core modules is missing"
mkdir -p archives/partial root www
apt-get -qq -y -d --reinstall --no-install-recommends -o Debug::NoLocking=1 -o Dir::Cache::archives="$work/archives" install \
  ruby-rack=2.2.22-0+deb12u2 ruby3.1=3.1.7+really3.1.2-0+deb12u1 libruby3.1=3.1.7+really3.1.2-0+deb12u1 ruby-webrick=1.8.1-1 libcgi-pm-perl=4.55-1 libcgi-simple-perl=1.280-2+deb12u1 \
  libplack-perl=1.0050-1 libdancer2-perl=0.400001+dfsg-1 libmojolicious-perl=9.31+dfsg-1 php8.2-cli=8.2.36-1~deb12u1 >apt.log 2>&1 \
  || unready "apt-get failed: $(tail -n 3 apt.log)"
for package in archives/*.deb; do dpkg -x "$package" root; done

printf '%s\n' 'a+b' 'YQ+/==' 'a&b' 'a%2Bb' '"a"' 'YQ-_' >values.txt
cat >probe.rb <<'PROBE'
require 'cgi'
require 'rack'
require 'webrick/cookie'

readers = {
  'Rack' => ->(line) { Rack::Utils.parse_cookies_header(line)['sid'] },
  'CGI of Ruby' => ->(line) { CGI::Cookie.parse(line)['sid'].to_a },
  'WEBrick' => ->(line) { WEBrick::Cookie.parse(line).find { |cookie| cookie.name == 'sid' }.value }
}
File.foreach('values.txt', chomp: true) do |value|
  readers.each { |name, read| puts [name, value, Array(read.call("sid=#{value}; lang=en")).join(' and ')].join("\t") }
end
PROBE
cat >probe.pl <<'PROBE'
use strict;
use warnings;
use CGI::Cookie;
use CGI::Simple::Cookie;
use Dancer2::Core::Request;
use Mojo::Cookie::Request;
use Plack::Request;

my @readers = (
    ['CGI of Perl', sub { join ' and ', {CGI::Cookie->parse($_[0])}->{sid}->value }],
    ['CGI::Simple', sub { join ' and ', {CGI::Simple::Cookie->parse($_[0])}->{sid}->value }],
    ['Plack', sub { Plack::Request->new({HTTP_COOKIE => $_[0]})->cookies->{sid} }],
    ['Dancer2', sub { join ' and ', Dancer2::Core::Request->new(env => {HTTP_COOKIE => $_[0]})->cookies->{sid}->value }],
    ['Mojolicious', sub { my ($sid) = grep { $_->name eq 'sid' } @{Mojo::Cookie::Request->parse($_[0])}; $sid->value }],
);
open my $values, '<', 'values.txt' or die $!;
while (my $value = <$values>) {
    chomp $value;
    print join("\t", $_->[0], $value, $_->[1]->("sid=$value; lang=en")), "\n" for @readers;
}
PROBE
echo '<?php header("content-type: text/plain"); echo $_COOKIE["sid"];' >www/index.php
cat >probe.py <<'PROBE'
import http.client, socket, subprocess, time

with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
php = subprocess.Popen(["root/usr/bin/php8.2", "-n", "-S", f"127.0.0.1:{port}", "-t", "www"], stderr=subprocess.DEVNULL)

def seen_by_php(value):
    for _ in range(600):
        assert php.poll() is None, "php has ended"
        connection = http.client.HTTPConnection("127.0.0.1", port)
        try:
            connection.request("GET", "/", headers={"Cookie": f"sid={value}; lang=en"})
            return connection.getresponse().read().decode()
        except ConnectionRefusedError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise TimeoutError("php does not listen")

values = open("values.txt").read().splitlines()
try:
    rows = [["PHP", value, seen_by_php(value)] for value in values]
finally:
    php.terminate()
    php.wait()
rows += [line.split("\t") for line in open("others.txt").read().splitlines()]
for value in values:
    readings = {}
    for reader, sent, read in rows:
        if sent == value:
            readings.setdefault(read, []).append(reader)
    for read, readers in sorted(readings.items(), key=lambda reading: (reading[0] != value, reading[0])):
        print(f"{value} is {read}: {', '.join(readers)}")
PROBE
cat >expected.txt <<'EXPECTED'
a+b is a+b: PHP, WEBrick, Plack, Dancer2, Mojolicious
a+b is a b: Rack, CGI of Ruby, CGI of Perl, CGI::Simple
YQ+/== is YQ+/==: PHP, WEBrick, Plack, Dancer2, Mojolicious
YQ+/== is YQ /==: Rack, CGI of Ruby, CGI of Perl, CGI::Simple
a&b is a&b: PHP, Rack, WEBrick, Plack, Mojolicious
a&b is a and b: CGI of Ruby, CGI of Perl, CGI::Simple, Dancer2
a%2Bb is a%2Bb: WEBrick, Mojolicious
a%2Bb is a+b: PHP, Rack, CGI of Ruby, CGI of Perl, CGI::Simple, Plack, Dancer2
"a" is "a": PHP, Rack, CGI of Ruby, CGI of Perl, CGI::Simple
"a" is a: WEBrick, Plack, Dancer2, Mojolicious
YQ-_ is YQ-_: PHP, Rack, CGI of Ruby, WEBrick, CGI of Perl, CGI::Simple, Plack, Dancer2, Mojolicious
EXPECTED

folders() { printf '%s:' "$@"; }
libraries=$(folders root/usr/lib/*-linux-gnu root/lib/*-linux-gnu)
ruby=$(folders root/usr/lib/ruby/vendor_ruby root/usr/lib/ruby/3.1.0 root/usr/lib/*-linux-gnu/ruby/3.1.0 root/usr/share/rubygems-integration/*/gems/*/lib)
{
  LD_LIBRARY_PATH=$libraries RUBYLIB=$ruby root/usr/bin/ruby3.1 -W0 --disable-gems probe.rb >others.txt
  perl -I root/usr/share/perl5 $(printf -- '-I %s ' root/usr/lib/*-linux-gnu/perl5/*) probe.pl >>others.txt
  LD_LIBRARY_PATH=$libraries python3 probe.py
} >seen.txt 2>errors.txt || { echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
