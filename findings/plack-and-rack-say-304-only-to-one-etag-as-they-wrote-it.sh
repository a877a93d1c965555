#!/usr/bin/env bash
# plack-and-rack-say-304-only-to-one-etag-as-they-wrote-it
#
# Expected: If-None-Match is a list or `*`, compared weakly: `W/"a"` and `"x", "a"` both match `"a"`. If it is there, If-Modified-Since is
#   ignored. A copy that is newer than Last-Modified is not modified.
# Seen: Plack::Middleware::ConditionalGET and Rack::ConditionalGet compare the whole line with the ETag of the answer. A list, `*` and
#   a tag that a proxy has made weak get the content again. If the answer has Last-Modified too, Plack wants both fields to match,
#   so If-None-Match alone never does, and it compares the date as text.
# Versions: libplack-perl 1.0050-1, ruby-rack 2.2.22-0+deb12u2 (Debian 12)
# Why it matters: nginx makes a tag weak when it compresses, and a cache that has two variants sends two tags. Behind such a proxy or
#   gateway these services send everything each time, and nothing in a log says so. A gateway that revalidates sends the tag as it
#   came and If-Modified-Since beside it.
# Source: RFC 9110 sections 8.8.3.2, 13.1.2 and 13.1.3; Plack/Middleware/ConditionalGET.pm; rack/conditional_get.rb.
# Needs: Debian 12 with apt-get, its package lists up to date; perl with its core modules
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v apt-get >/dev/null || unready "apt-get is missing"
perl -MJSON::PP -e1 2>/dev/null || unready "perl or one of its core modules is missing"
mkdir -p archives/partial root
apt-get -qq -y -d --reinstall --no-install-recommends -o Debug::NoLocking=1 -o Dir::Cache::archives="$work/archives" \
  install libplack-perl=1.0050-1 ruby-rack=2.2.22-0+deb12u2 ruby3.1=3.1.7+really3.1.2-0+deb12u1 libruby3.1=3.1.7+really3.1.2-0+deb12u1 >apt.log 2>&1 \
  || unready "apt-get failed: $(tail -n 3 apt.log)"
for package in archives/*.deb; do dpkg -x "$package" root; done

# The ETag and the Last-Modified of the answer, If-None-Match and If-Modified-Since of the request; - for none.
printf '%s\t%s\t%s\t%s\n' >cases.txt \
  '"a"' - '"a"' - \
  '"a"' - 'W/"a"' - \
  '"a"' - '"x", "a"' - \
  '"a"' - '*' - \
  '"a"' 'Sun, 06 Nov 1994 08:49:37 GMT' '"a"' - \
  '"a"' 'Sun, 06 Nov 1994 08:49:37 GMT' '"a"' 'Sun, 06 Nov 1994 08:49:37 GMT' \
  '"a"' 'Sun, 06 Nov 1994 08:49:37 GMT' '"a"' 'Sat, 05 Nov 1994 08:49:37 GMT' \
  - 'Sun, 06 Nov 1994 08:49:37 GMT' - 'Mon, 07 Nov 1994 08:49:37 GMT'
cat >probe.pl <<'PROBE'
use strict;
use warnings;
use HTTP::Request::Common;
use Plack::Middleware::ConditionalGET;
use Plack::Test;

open my $cases, '<', 'cases.txt' or die $!;
while (my $case = <$cases>) {
    chomp $case;
    my ($etag, $modified, $none_match, $since) = split /\t/, $case;
    my @given = grep { $_->[1] ne '-' } ['ETag', $etag], ['Last-Modified', $modified];
    my @asked = grep { $_->[1] ne '-' } ['If-None-Match', $none_match], ['If-Modified-Since', $since];
    my $app = Plack::Middleware::ConditionalGET->wrap(sub { [200, [map { @$_ } @given], ['x']] });
    my $answer = Plack::Test->create($app)->request(GET '/', map { @$_ } @asked);
    print "Plack, ", join('; ', map { "$_->[0]: $_->[1]" } @given, @asked), " -> ", $answer->code, "\n";
}
PROBE
cat >probe.rb <<'PROBE'
require 'rack'

File.foreach('cases.txt', chomp: true) do |line|
  etag, modified, none_match, since = line.split("\t")
  given = { 'ETag' => etag, 'Last-Modified' => modified }.reject { |_, value| value == '-' }
  asked = { 'If-None-Match' => none_match, 'If-Modified-Since' => since }.reject { |_, value| value == '-' }
  app = Rack::ConditionalGet.new(->(_) { [200, given.dup, ['x']] })
  fields = asked.transform_keys { |name| "HTTP_#{name.upcase.tr('-', '_')}" }
  status, = app.call(Rack::MockRequest.env_for('/', fields))
  puts "Rack, #{[*given, *asked].map { |pair| pair.join(': ') }.join('; ')} -> #{status}"
end
PROBE
cat >expected.txt <<'EXPECTED'
Plack, ETag: "a"; If-None-Match: "a" -> 304
Plack, ETag: "a"; If-None-Match: W/"a" -> 200
Plack, ETag: "a"; If-None-Match: "x", "a" -> 200
Plack, ETag: "a"; If-None-Match: * -> 200
Plack, ETag: "a"; Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT; If-None-Match: "a" -> 200
Plack, ETag: "a"; Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT; If-None-Match: "a"; If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT -> 304
Plack, ETag: "a"; Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT; If-None-Match: "a"; If-Modified-Since: Sat, 05 Nov 1994 08:49:37 GMT -> 200
Plack, Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT; If-Modified-Since: Mon, 07 Nov 1994 08:49:37 GMT -> 200
Rack, ETag: "a"; If-None-Match: "a" -> 304
Rack, ETag: "a"; If-None-Match: W/"a" -> 200
Rack, ETag: "a"; If-None-Match: "x", "a" -> 200
Rack, ETag: "a"; If-None-Match: * -> 200
Rack, ETag: "a"; Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT; If-None-Match: "a" -> 304
Rack, ETag: "a"; Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT; If-None-Match: "a"; If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT -> 304
Rack, ETag: "a"; Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT; If-None-Match: "a"; If-Modified-Since: Sat, 05 Nov 1994 08:49:37 GMT -> 304
Rack, Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT; If-Modified-Since: Mon, 07 Nov 1994 08:49:37 GMT -> 304
EXPECTED

folders() { printf '%s:' "$@"; }
{
  perl -I root/usr/share/perl5 $(printf -- '-I %s ' root/usr/lib/*-linux-gnu/perl5/*) probe.pl
  ruby=$(folders root/usr/lib/ruby/vendor_ruby root/usr/lib/ruby/3.1.0 root/usr/lib/*-linux-gnu/ruby/3.1.0 root/usr/share/rubygems-integration/*/gems/*/lib)
  LD_LIBRARY_PATH=$(folders root/usr/lib/*-linux-gnu) RUBYLIB=$ruby root/usr/bin/ruby3.1 --disable-gems probe.rb
} >seen.txt 2>errors.txt || { echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
