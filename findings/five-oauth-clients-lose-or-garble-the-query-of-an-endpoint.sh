#!/usr/bin/env bash
# five-oauth-clients-lose-or-garble-the-query-of-an-endpoint
#
# Expected: the address of an endpoint may have a query of its own, which must be kept when parameters are added. So `/authorize?p=signin` becomes
#   `/authorize?p=signin&client_id=app`, and a logout address likewise.
# Seen: LWP::Authen::OAuth2 and OAuth::Lite2 of Perl replace the query by their parameters, and omniauth_openid_connect of Ruby (GitLab's) does
#   so with that of the logout address. @badgateway/oauth2-client and httpx-oauth write a second question mark: the provider reads
#   `p` as `signin?client_id=app` or `signin?response_type=code`, and misses that parameter. openid-client, Authlib and three more
#   do it right.
# Versions: @badgateway/oauth2-client 3.3.1, openid-client 6.9.0, simple-oauth2 5.1.0, httpx-oauth 0.17.0, Authlib 1.9.10,
#   liblwp-authen-oauth2-perl 0.20-1, liboauth-lite2-perl 0.11-2, libnet-oauth2-perl 0.67-1, ruby-omniauth-openid-connect 0.10.0-2 (Debian 12)
# Why it matters: providers choose a tenant, a policy or a flow by it, Azure AD B2C with `?p=`. A user then comes to the default flow, or to an
#   error, and whoever reads the configuration sees nothing wrong. In front of such clients a provider's tenant belongs into the
#   path, which all of them keep. A gateway that adds its parameters must look for a question mark first.
# Source: RFC 6749 sections 3.1 and 3.2 ("MUST be retained"); OpenID Connect RP-Initiated Logout 1.0 section 2; authorizationUrl code of each.
# Needs: npm with node 20 or later; python3 with venv; perl; Debian 12 with apt-get, its package lists up to date
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

for tool in apt-get npm node python3 perl; do
  command -v "$tool" >/dev/null || unready "$tool is missing"
done
npm install --silent --no-fund --no-audit --ignore-scripts \
  @badgateway/oauth2-client@3.3.1 openid-client@6.9.0 simple-oauth2@5.1.0 >npm.log 2>&1 || unready "npm failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "venv failed: $(tail -n 3 venv.log)"
venv/bin/pip install -q httpx-oauth==0.17.0 httpx==0.28.1 Authlib==1.9.10 requests==2.32.5 >pip.log 2>&1 \
  || unready "pip failed: $(tail -n 3 pip.log)"
mkdir -p archives/partial root
apt-get -qq -y -d --reinstall --no-install-recommends -o Debug::NoLocking=1 -o Dir::Cache::archives="$work/archives" install \
  ruby3.1=3.1.7+really3.1.2-0+deb12u1 libruby3.1=3.1.7+really3.1.2-0+deb12u1 liblwp-authen-oauth2-perl=0.20-1 liboauth-lite2-perl=0.11-2 \
  libnet-oauth2-perl=0.67-1 ruby-omniauth-openid-connect=0.10.0-2 >apt.log 2>&1 || unready "apt-get failed: $(tail -n 3 apt.log)"
for package in archives/*.deb; do dpkg -x "$package" root; done

cat >probe.mjs <<'PROBE'
import { OAuth2Client } from '@badgateway/oauth2-client';
import * as openid from 'openid-client';
import { AuthorizationCode } from 'simple-oauth2';

const site = 'https://login.example';
const back = 'https://app.example/cb';
const show = (name, url) => {
  const [p, client] = ['p', 'client_id'].map((key) => JSON.stringify(new URL(url).searchParams.get(key)));
  console.log(`${name}: p is ${p}, client_id is ${client}`);
};

const endpoints = { authorizationEndpoint: `${site}/authorize?p=signin`, tokenEndpoint: `${site}/token?p=signin` };
const badgateway = new OAuth2Client({ clientId: 'app', ...endpoints });
show('@badgateway/oauth2-client', await badgateway.authorizationCode.getAuthorizeUri({ redirectUri: back }));
const metadata = { issuer: site, authorization_endpoint: `${site}/authorize?p=signin`, end_session_endpoint: `${site}/logout?p=signin` };
const configuration = new openid.Configuration(metadata, 'app', 'secret');
show('openid-client', openid.buildAuthorizationUrl(configuration, { redirect_uri: back }));
show('openid-client, logout', openid.buildEndSessionUrl(configuration, { post_logout_redirect_uri: back }));
const simple = new AuthorizationCode({ client: { id: 'app', secret: 'secret' }, auth: { tokenHost: site, authorizePath: '/authorize?p=signin' } });
show('simple-oauth2', simple.authorizeURL({ redirect_uri: back }));
PROBE
cat >probe.py <<'PROBE'
import asyncio
import json
from urllib.parse import parse_qs, urlsplit

from authlib.integrations.requests_client import OAuth2Session
from httpx_oauth.oauth2 import OAuth2

endpoint, back = "https://login.example/authorize?p=signin", "https://app.example/cb"

def show(name, url):
    query = parse_qs(urlsplit(url).query)
    p, client = (json.dumps(query.get(key, [None])[0]) for key in ("p", "client_id"))
    print(f"{name}: p is {p}, client_id is {client}")

client = OAuth2("app", "secret", endpoint, "https://login.example/token")
show("httpx-oauth", asyncio.run(client.get_authorization_url(back)))
show("Authlib", OAuth2Session("app", "secret", redirect_uri=back).create_authorization_url(endpoint)[0])
PROBE
cat >probe.pl <<'PROBE'
use strict;
use warnings;
use LWP::Authen::OAuth2;
use Net::OAuth2::Profile::WebServer;
use OAuth::Lite2::Client::WebServer;
use URI;

my ($endpoint, $back) = ('https://login.example/authorize?p=signin', 'https://app.example/cb');
my %lwp = (authorization_endpoint => $endpoint, token_endpoint => 'https://login.example/token', redirect_uri => $back);
my %lite = (authorize_uri => $endpoint);
my %net = (authorize_url => $endpoint, redirect_uri => $back);
my @urls = (
    ['LWP::Authen::OAuth2', LWP::Authen::OAuth2->new(%lwp, client_id => 'app', client_secret => 'secret')->authorization_url],
    ['OAuth::Lite2', OAuth::Lite2::Client::WebServer->new(%lite, id => 'app', secret => 'secret')->uri_to_redirect(redirect_uri => $back)],
    ['Net::OAuth2', Net::OAuth2::Profile::WebServer->new(%net, client_id => 'app', client_secret => 'secret')->authorize],
);
for my $row (@urls) {
    my %query = URI->new($row->[1])->query_form;
    print "$row->[0]: ", join(', ', map { "$_ is " . (defined $query{$_} ? "\"$query{$_}\"" : 'null') } qw(p client_id)), "\n";
}
PROBE
cat >probe.rb <<'PROBE'
require 'json'
require 'omniauth/openid_connect'
require 'rack/oauth2'
require 'uri'

def show(name, url)
  query = URI.decode_www_form(URI(url).query).to_h
  puts "#{name}: #{%w[p client_id].map { |key| "#{key} is #{query[key].to_json}" }.join(', ')}"
end

endpoints = { authorization_endpoint: 'https://login.example/authorize?p=signin', redirect_uri: 'https://app.example/cb' }
client = Rack::OAuth2::Client.new(identifier: 'app', **endpoints)
show('rack-oauth2', client.authorization_uri)
options = { identifier: 'app', end_session_endpoint: 'https://login.example/logout?p=signin' }
strategy = OmniAuth::Strategies::OpenIDConnect.new(nil, post_logout_redirect_uri: 'https://app.example/', client_options: options)
show('omniauth_openid_connect, logout', strategy.end_session_uri)
PROBE
cat >expected.txt <<'EXPECTED'
@badgateway/oauth2-client: p is "signin?client_id=app", client_id is null
openid-client: p is "signin", client_id is "app"
openid-client, logout: p is "signin", client_id is "app"
simple-oauth2: p is "signin", client_id is "app"
httpx-oauth: p is "signin?response_type=code", client_id is "app"
Authlib: p is "signin", client_id is "app"
LWP::Authen::OAuth2: p is null, client_id is "app"
OAuth::Lite2: p is null, client_id is "app"
Net::OAuth2: p is "signin", client_id is "app"
rack-oauth2: p is "signin", client_id is "app"
omniauth_openid_connect, logout: p is null, client_id is null
EXPECTED

folders() { printf '%s:' "$@"; }
{
  node probe.mjs
  venv/bin/python probe.py
  perl -I root/usr/share/perl5 $(printf -- '-I %s ' root/usr/lib/*-linux-gnu/perl5/*) probe.pl
  gems=root/usr/share/rubygems-integration
  ruby=$(folders root/usr/lib/ruby/vendor_ruby root/usr/lib/ruby/3.1.0 root/usr/lib/*-linux-gnu/ruby{,/vendor_ruby}/3.1.0 \
    "$gems"/*/gems/*/lib "$gems"/*/gems/concurrent-ruby-*/lib/concurrent-ruby root/usr/lib/ruby/gems/3.1.0/gems/*/lib)
  LD_LIBRARY_PATH=$(folders root/usr/lib/*-linux-gnu) RUBYLIB=$ruby root/usr/bin/ruby3.1 -W0 probe.rb
} >seen.txt 2>errors.txt || { echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
