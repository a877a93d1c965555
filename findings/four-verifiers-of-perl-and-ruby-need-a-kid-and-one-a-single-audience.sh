#!/usr/bin/env bash
# four-verifiers-of-perl-and-ruby-need-a-kid-and-one-a-single-audience
#
# Expected: `kid` is optional; if a key set has one key, a token without `kid` is verified with it. `aud` is a string or a list, and a
#   verifier that is one of the list takes the token.
# Seen: Crypt::JWT, Mojo::JWT, ruby-jwt and json-jwt find no key for a token without `kid`, whether the key has one or not. Crypt::JWT compares a
#   list with the name that it was given, or with the regular expression, and refuses `["api"]`; a subroutine is handed the list.
# Versions: libcrypt-jwt-perl 0.034-1, libmojo-jwt-perl 0.09-1, ruby-jwt 2.5.0-1+deb12u1, ruby-json-jwt 1.14.0-2 (Debian 12)
# Why it matters: a provider writes a list as soon as a token has two audiences, and some write one always. The day on which a client is given a
#   second API is the day on which the first one, in Perl, refuses it. A provider that has one key may leave `kid` out. A gateway that
#   verifies such a token itself can hand on the claims, or a token of its own with one audience and a `kid`.
# Source: RFC 7515 section 4.1.4; RFC 7519 section 4.1.3; OpenID Connect Core 1.0 section 10.1; _verify_claims in Crypt/JWT.pm; jwk/key_finder.rb.
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
  ruby3.1=3.1.7+really3.1.2-0+deb12u1 libruby3.1=3.1.7+really3.1.2-0+deb12u1 libcrypt-jwt-perl=0.034-1 libmojo-jwt-perl=0.09-1 \
  ruby-jwt=2.5.0-1+deb12u1 ruby-json-jwt=1.14.0-2 >apt.log 2>&1 \
  || unready "apt-get failed: $(tail -n 3 apt.log)"
for package in archives/*.deb; do dpkg -x "$package" root; done

cat >probe.pl <<'PROBE'
use strict;
use warnings;
use Crypt::JWT qw(decode_jwt encode_jwt);
use Crypt::PK::RSA;
use JSON::PP;
use Mojo::JWT;

my $pair = Crypt::PK::RSA->new;
$pair->generate_key(256);
my $public = {%{$pair->export_key_jwk('public', 1)}, use => 'sig', alg => 'RS256'};
my @cases = (
    ['aud "api", kid "k", one key "k"', 'api', 'k', 'k'],
    ['aud ["api"], kid "k", one key "k"', ['api'], 'k', 'k'],
    ['aud ["api", "shop"], kid "k", one key "k"', ['api', 'shop'], 'k', 'k'],
    ['aud "api", no kid, one key "k"', 'api', undef, 'k'],
    ['aud "api", no kid, one key without kid', 'api', undef, undef],
);
my @rows;
for my $case (@cases) {
    my ($label, $aud, $token_kid, $key_kid) = @$case;
    my $header = defined $token_kid ? {kid => $token_kid} : {};
    my $payload = {iss => 'https://login.example', sub => 'ann', aud => $aud, exp => 4000000000};
    my $token = encode_jwt(payload => $payload, key => $pair, alg => 'RS256', extra_headers => $header);
    my $jwks = {keys => [{%$public, defined $key_kid ? (kid => $key_kid) : ()}]};
    push @rows, {label => $label, token => $token, jwks => $jwks};
    my $with = sub { my @audience = @_; sub { decode_jwt(token => $token, kid_keys => $jwks, accepted_alg => 'RS256', @audience) } };
    my @readers = (
        ['Crypt::JWT', $with->(verify_aud => 'api')],
        ['Crypt::JWT with a pattern', $with->(verify_aud => qr/^api$/)],
        ['Crypt::JWT with a subroutine', $with->(verify_aud => sub { my ($aud) = @_; grep { $_ eq 'api' } ref $aud ? @$aud : $aud })],
        ['Mojo::JWT, which does not check the audience', sub { Mojo::JWT->new(jwks => $jwks->{keys})->decode($token) }],
    );
    for my $reader (@readers) {
        my $claims = eval { $reader->[1]->() };
        my $reason = $@ =~ s/ at \S+ line \d+\.\n//r;
        print "$label -> $reader->[0]: ", $claims ? 'taken' : $reason, "\n";
    }
}
open my $file, '>', 'rows.json' or die $!;
print $file encode_json(\@rows);
PROBE
cat >probe.rb <<'PROBE'
require 'json'
require 'json/jwt'
require 'jwt'

readers = {
  'ruby-jwt' => lambda do |token, jwks|
    keys = JSON.parse(jwks.to_json, symbolize_names: true)
    JWT.decode(token, nil, true, algorithms: ['RS256'], jwks: keys, aud: 'api', verify_aud: true)
  end,
  'json-jwt, which does not check the audience' => ->(token, jwks) { JSON::JWT.decode(token, JSON::JWK::Set.new(jwks)) }
}
JSON.parse(File.read('rows.json')).each do |row|
  readers.each do |name, read|
    said = begin
      read.call(row['token'], row['jwks']) && 'taken'
    rescue StandardError => e
      e.message
    end
    puts "#{row['label']} -> #{name}: #{said}"
  end
end
PROBE
cat >expected.txt <<'EXPECTED'
aud "api", kid "k", one key "k" -> Crypt::JWT: taken
aud "api", kid "k", one key "k" -> Crypt::JWT with a pattern: taken
aud "api", kid "k", one key "k" -> Crypt::JWT with a subroutine: taken
aud "api", kid "k", one key "k" -> Mojo::JWT, which does not check the audience: taken
aud ["api"], kid "k", one key "k" -> Crypt::JWT: JWT: aud claim scalar check failed
aud ["api"], kid "k", one key "k" -> Crypt::JWT with a pattern: JWT: aud claim re check failed
aud ["api"], kid "k", one key "k" -> Crypt::JWT with a subroutine: taken
aud ["api"], kid "k", one key "k" -> Mojo::JWT, which does not check the audience: taken
aud ["api", "shop"], kid "k", one key "k" -> Crypt::JWT: JWT: aud claim scalar check failed
aud ["api", "shop"], kid "k", one key "k" -> Crypt::JWT with a pattern: JWT: aud claim re check failed
aud ["api", "shop"], kid "k", one key "k" -> Crypt::JWT with a subroutine: taken
aud ["api", "shop"], kid "k", one key "k" -> Mojo::JWT, which does not check the audience: taken
aud "api", no kid, one key "k" -> Crypt::JWT: JWS: kid_keys lookup failed
aud "api", no kid, one key "k" -> Crypt::JWT with a pattern: JWS: kid_keys lookup failed
aud "api", no kid, one key "k" -> Crypt::JWT with a subroutine: JWS: kid_keys lookup failed
aud "api", no kid, one key "k" -> Mojo::JWT, which does not check the audience: public key not specified
aud "api", no kid, one key without kid -> Crypt::JWT: JWS: kid_keys lookup failed
aud "api", no kid, one key without kid -> Crypt::JWT with a pattern: JWS: kid_keys lookup failed
aud "api", no kid, one key without kid -> Crypt::JWT with a subroutine: JWS: kid_keys lookup failed
aud "api", no kid, one key without kid -> Mojo::JWT, which does not check the audience: public key not specified
aud "api", kid "k", one key "k" -> ruby-jwt: taken
aud "api", kid "k", one key "k" -> json-jwt, which does not check the audience: taken
aud ["api"], kid "k", one key "k" -> ruby-jwt: taken
aud ["api"], kid "k", one key "k" -> json-jwt, which does not check the audience: taken
aud ["api", "shop"], kid "k", one key "k" -> ruby-jwt: taken
aud ["api", "shop"], kid "k", one key "k" -> json-jwt, which does not check the audience: taken
aud "api", no kid, one key "k" -> ruby-jwt: No key id (kid) found from token headers
aud "api", no kid, one key "k" -> json-jwt, which does not check the audience: JSON::JWK::Set::KidNotFound
aud "api", no kid, one key without kid -> ruby-jwt: No key id (kid) found from token headers
aud "api", no kid, one key without kid -> json-jwt, which does not check the audience: JSON::JWK::Set::KidNotFound
EXPECTED

folders() { printf '%s:' "$@"; }
{
  perl -W -I root/usr/share/perl5 $(printf -- '-I %s ' root/usr/lib/*-linux-gnu/perl5/*) probe.pl
  ruby=$(folders root/usr/lib/ruby/vendor_ruby root/usr/lib/ruby/3.1.0 root/usr/lib/*-linux-gnu/ruby/3.1.0 root/usr/share/rubygems-integration/*/gems/*/lib root/usr/share/rubygems-integration/*/gems/concurrent-ruby-*/lib/concurrent-ruby)
  LD_LIBRARY_PATH=$(folders root/usr/lib/*-linux-gnu) RUBYLIB=$ruby root/usr/bin/ruby3.1 -W0 --disable-gems probe.rb
} >seen.txt 2>errors.txt || { echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
