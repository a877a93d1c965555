#!/usr/bin/env bash
# openid-connect-of-ruby-gives-one-tenant-the-discovery-of-another
#
# Expected: a document of discovery belongs to an issuer, path and port included. `amr` is a list of strings, in an ID token that is read and
#   in one that is written.
# Seen: openid_connect of Ruby keeps documents under the host alone once SWD.cache is set, to Rails.cache or another. The first tenant that is
#   asked for wins: until its document expires, each other tenant of that host, and each other port, ends in "Issuer mismatch".
#   IdToken makes one text of `amr`, `["pwd", "otp"]` with its brackets, and signs that for others; unknown claims it leaves out.
# Versions: ruby-openid-connect 1.2.0-2, ruby-swd 1.0.1-2.1, ruby-activesupport 2:6.1.7.10+dfsg-1~deb12u4 (Debian 12)
# Why it matters: providers that serve tenants by path (Keycloak, Entra ID, Okta, a gateway with several) are one host. Without a cache, in each
#   test, all logins work; in production those of one tenant do, and which one changes with the next restart. Whoever asks for a
#   second factor by `amr` of such a token compares with a list, and finds a string. A host for each tenant avoids the first.
# Source: OpenID Connect Discovery 1.0 sections 4.1 and 4.3; OpenID Connect Core 1.0 section 2 (amr); RFC 8176 section 1; cache_key in
#   openid_connect/discovery/provider/config/resource.rb, initialize in response_object/id_token.rb.
# Needs: Debian 12 with apt-get, its package lists up to date
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v apt-get >/dev/null || unready "apt-get is missing"
mkdir -p archives/partial root
apt-get -qq -y -d --reinstall --no-install-recommends -o Debug::NoLocking=1 -o Dir::Cache::archives="$work/archives" install \
  ruby3.1=3.1.7+really3.1.2-0+deb12u1 libruby3.1=3.1.7+really3.1.2-0+deb12u1 ruby-openid-connect=1.2.0-2 ruby-swd=1.0.1-2.1 \
  ruby-activesupport=2:6.1.7.10+dfsg-1~deb12u4 ruby-webrick >apt.log 2>&1 || unready "apt-get failed: $(tail -n 3 apt.log)"
for package in archives/*.deb; do dpkg -x "$package" root; done

cat >probe.rb <<'PROBE'
require 'active_support/all'
require 'openid_connect'
require 'webrick'

# Two ports of one host, with two tenants each.
servers = [1, 2].map do
  server = WEBrick::HTTPServer.new(Port: 0, BindAddress: '127.0.0.1', AccessLog: [], Logger: WEBrick::Log.new(File::NULL))
  %w[red blue].each do |tenant|
    issuer = "http://127.0.0.1:#{server.config[:Port]}/#{tenant}"
    document = {
      issuer: issuer, authorization_endpoint: "#{issuer}/authorize", token_endpoint: "#{issuer}/token", jwks_uri: "#{issuer}/jwks",
      response_types_supported: ['code'], subject_types_supported: ['public'], id_token_signing_alg_values_supported: ['RS256']
    }
    server.mount_proc("/#{tenant}/.well-known/openid-configuration") do |_request, response|
      response['Content-Type'] = 'application/json'
      response.body = document.to_json
    end
  end
  Thread.new { server.start }
  server
end
at_exit { servers.each(&:shutdown) }
places = servers.each_with_index.flat_map { |server, index| %w[red blue].map { |tenant| [index + 1, server.config[:Port], tenant] } }

SWD.url_builder = URI::HTTP
discover = lambda do |title|
  places.each do |number, port, tenant|
    said = begin
      OpenIDConnect::Discovery::Provider::Config.discover!("http://127.0.0.1:#{port}/#{tenant}") && 'found'
    rescue OpenIDConnect::Discovery::DiscoveryFailed => e
      e.message
    end
    puts "#{title}, port #{number}, tenant #{tenant}: #{said}"
  end
end
discover.call('no cache')
SWD.cache = ActiveSupport::Cache::MemoryStore.new
discover.call('a cache')

key = OpenSSL::PKey::RSA.new(2048)
claims = { iss: 'https://login.example', sub: 'ann', aud: 'app', exp: 4_000_000_000, iat: 1, amr: %w[pwd otp], groups: ['staff'] }
token = OpenIDConnect::ResponseObject::IdToken.decode(JSON::JWT.new(claims).sign(key, :RS256).to_s, key.public_key)
puts "read, amr: #{token.amr.class} #{token.amr}"
written = JSON::JWT.decode(OpenIDConnect::ResponseObject::IdToken.new(claims).to_jwt(key), key.public_key)
puts "written, amr: #{written[:amr].to_json}, groups: #{written[:groups].to_json}"
PROBE
cat >expected.txt <<'EXPECTED'
no cache, port 1, tenant red: found
no cache, port 1, tenant blue: found
no cache, port 2, tenant red: found
no cache, port 2, tenant blue: found
a cache, port 1, tenant red: found
a cache, port 1, tenant blue: Issuer mismatch
a cache, port 2, tenant red: Issuer mismatch
a cache, port 2, tenant blue: Issuer mismatch
read, amr: String ["pwd", "otp"]
written, amr: "[\"pwd\", \"otp\"]", groups: null
EXPECTED

folders() { printf '%s:' "$@"; }
gems=root/usr/share/rubygems-integration
ruby=$(folders root/usr/lib/ruby/vendor_ruby root/usr/lib/ruby/3.1.0 root/usr/lib/*-linux-gnu/ruby{,/vendor_ruby}/3.1.0 \
  "$gems"/*/gems/*/lib "$gems"/*/gems/concurrent-ruby-*/lib/concurrent-ruby root/usr/lib/ruby/gems/3.1.0/gems/*/lib)
LD_LIBRARY_PATH=$(folders root/usr/lib/*-linux-gnu) RUBYLIB=$ruby timeout 60 root/usr/bin/ruby3.1 -W0 probe.rb >seen.txt 2>errors.txt \
  || { echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
