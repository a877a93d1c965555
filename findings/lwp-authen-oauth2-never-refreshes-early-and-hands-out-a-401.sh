#!/usr/bin/env bash
# lwp-authen-oauth2-never-refreshes-early-and-hands-out-a-401
#
# Expected: `early_refresh_time`, 300 seconds unless set, is the time before its end from which a token is refreshed. After a 401 with
#   `invalid_token` and a good refresh, the request is sent again with the new token. Without `expires_in` nothing is known of the end.
# Seen: LWP::Authen::OAuth2 halves the early time to half of what is left each time that it looks, so it never comes: a token is refreshed
#   after its end alone. After a 401 it refreshes, but sends again only if the new token ends later than the old one would have;
#   if it lives shorter the caller gets the 401. A token without `expires_in` is taken to live an hour.
# Versions: liblwp-authen-oauth2-perl 0.20-1, libwww-perl 6.68-1 (Debian 12)
# Why it matters: a request that leaves in the last second arrives with a dead token, at each end of a token; the gateway's log shows refusals that
#   look like a clock that is wrong. On the day on which a provider shortens its tokens, or a session is revoked and renewed, such
#   clients hand a 401 to their callers once each. A 401 without `error="invalid_token"` makes it refresh never.
# Source: RFC 6749 section 5.1; RFC 6750 section 3.1; early_refresh_time in the manual of LWP::Authen::OAuth2; should_refresh and request in
#   LWP/Authen/OAuth2/AccessToken.pm.
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
  install liblwp-authen-oauth2-perl=0.20-1 libwww-perl=6.68-1 >apt.log 2>&1 || unready "apt-get failed: $(tail -n 3 apt.log)"
for package in archives/*.deb; do dpkg -x "$package" root; done

cat >probe.pl <<'PROBE'
use strict;
use warnings;
use HTTP::Request;
use HTTP::Response;
use JSON::PP;
use LWP::Authen::OAuth2;
use LWP::UserAgent;

# A provider and an API in the place of the network: the old token is refused, the new one is taken.
package Network;
use parent -norequire, 'LWP::UserAgent';
our (%refreshed, @sent, $challenge);
sub request {
    my ($self, $request) = @_;
    if ($request->uri->path eq '/token') {
        push @sent, 'refresh';
        my %answer = (access_token => 'new', token_type => 'Bearer', %refreshed);
        return HTTP::Response->new(200, 'OK', ['Content-Type' => 'application/json'], JSON::PP::encode_json(\%answer));
    }
    my ($token) = $request->header('Authorization') =~ /^Bearer (\w+)$/;
    push @sent, "request with $token";
    my $response = HTTP::Response->new(200, 'OK');
    $response = HTTP::Response->new(401, 'Unauthorized', ['WWW-Authenticate' => $challenge]) if $token eq 'old';
    $response->request($request);
    return $response;
}

package main;
sub client {
    my ($left, %more) = @_;
    my %endpoints = (authorization_endpoint => 'https://login.example/authorize', token_endpoint => 'https://login.example/token');
    my %token = (access_token => 'old', refresh_token => 'r', create_time => time - 3600 + $left, %more);
    $token{_class} = 'LWP::Authen::OAuth2::AccessToken::Bearer';
    my $network = bless LWP::UserAgent->new, 'Network';
    return LWP::Authen::OAuth2->new(
        %endpoints, client_id => 'app', client_secret => 'secret', redirect_uri => 'https://app.example/cb',
        user_agent => $network, token_string => encode_json(\%token)
    );
}
for my $left (3000, 200, 60, 3, -3) {
    print "$left seconds before the end, refresh early: ", client($left, expires_in => 3600)->should_refresh ? 'yes' : 'no', "\n";
}
print 'without expires_in, ten minutes old, it is taken to live for ', int((client(3000)->expires_time - time + 30) / 60), " minutes more\n";

my $invalid = 'Bearer realm="api", error="invalid_token"';
my @cases = (
    ['a new token of an hour', 3600, $invalid],
    ['a new token of ten minutes', 600, $invalid],
    ['a challenge without error', 3600, 'Bearer realm="api"'],
);
for my $case (@cases) {
    (my $label, my $lifetime, $Network::challenge) = @$case;
    %Network::refreshed = (expires_in => $lifetime);
    @Network::sent = ();
    my $client = client(3000, expires_in => 3600);
    my $status = $client->request(HTTP::Request->new(GET => 'https://api.example/items'))->code;
    print "$label: ", join(', ', @Network::sent), " -> $status\n";
}
PROBE
cat >expected.txt <<'EXPECTED'
3000 seconds before the end, refresh early: no
200 seconds before the end, refresh early: no
60 seconds before the end, refresh early: no
3 seconds before the end, refresh early: no
-3 seconds before the end, refresh early: yes
without expires_in, ten minutes old, it is taken to live for 50 minutes more
a new token of an hour: request with old, refresh, request with new -> 200
a new token of ten minutes: request with old, refresh -> 401
a challenge without error: request with old -> 401
EXPECTED

timeout 60 perl -I root/usr/share/perl5 $(printf -- '-I %s ' root/usr/lib/*-linux-gnu/perl5/*) probe.pl >seen.txt 2>errors.txt \
  || { echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
