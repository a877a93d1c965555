#!/usr/bin/env bash
# net-oauth2-spends-a-refresh-token-and-leaves-the-port-out-of-host
#
# Expected: `expires_in` is optional, and a refresh without it gives a token like any other. A client that got a new refresh token keeps that. Host
#   names the port unless it is the default one.
# Seen: Net::OAuth2 of Perl takes a first answer without `expires_in`, and dies at a refresh without it. It has spent the old refresh token by
#   then, and keeps neither of the two new ones: it sends the spent one again, the provider says `invalid_grant`, and the login is
#   over. At the token endpoint it writes `Host: login.example` for port 8443, and in Basic the secret as it is, although it has an
#   encoded copy.
# Versions: libnet-oauth2-perl 0.67-1, libwww-perl 6.68-1 (Debian 12)
# Why it matters: providers that rotate refresh tokens take the second use for theft and end everything that came of the login. What finds its
#   routes or its own address by Host (a gateway, a provider that builds its issuer from it) sees one without the port. A provider
#   for such a client sends `expires_in` always, listens at 443, and makes secrets of letters and digits.
# Source: RFC 6749 sections 2.3.1, 5.1 and 6; RFC 9110 section 7.2; RFC 9700 section 4.14.2; update_access_token in Net/OAuth2/Profile/WebServer.pm,
#   build_request in Net/OAuth2/Profile.pm.
# Needs: Debian 12 with apt-get, its package lists up to date; perl with its core modules
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v apt-get >/dev/null || unready "apt-get is missing"
perl -MJSON::PP -MIO::Socket::INET -e1 2>/dev/null || unready "perl or one of its core modules is missing"
mkdir -p archives/partial root
apt-get -qq -y -d --reinstall --no-install-recommends -o Debug::NoLocking=1 -o Dir::Cache::archives="$work/archives" \
  install libnet-oauth2-perl=0.67-1 libwww-perl=6.68-1 >apt.log 2>&1 || unready "apt-get failed: $(tail -n 3 apt.log)"
for package in archives/*.deb; do dpkg -x "$package" root; done

cat >probe.pl <<'PROBE'
use strict;
use warnings;
use IO::Socket::INET;
use JSON::PP;
use Net::OAuth2::Profile::WebServer;

alarm 60;
my $listener = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1', LocalPort => 0) or die $!;
my $port = $listener->sockport;
my $provider = fork // die $!;
if (!$provider) {
    my ($good, $number) = ('', 0);
    while (my $connection = $listener->accept) {
        my ($request, $length) = ('', 0);
        while (my $line = <$connection>) {
            $request .= $line;
            $length = $1 if $line =~ /^Content-Length: (\d+)/i;
            last if $line eq "\r\n";
        }
        read $connection, my $body, $length;
        my ($host) = $request =~ /^Host: ([^\r]*)/mi;
        my ($refresh) = $body =~ /refresh_token=(\w+)/;
        my ($status, $answer) = ('400 Bad Request', {error => 'invalid_grant'});
        if (!defined $refresh || $refresh eq $good) {
            $number++;
            $good = "refresh$number";
            ($status, $answer) = ('200 OK', {access_token => "access$number", token_type => 'Bearer', refresh_token => $good});
            $answer->{expires_in} = 600 if defined $refresh && $body =~ /lifetime=yes/;
        }
        $answer->{host_without_port} = $host eq '127.0.0.1' ? 'yes' : 'no';
        my $text = encode_json($answer);
        print $connection "HTTP/1.1 $status\r\nContent-Type: application/json\r\n";
        print $connection 'Content-Length: ', length $text, "\r\nConnection: close\r\n\r\n$text";
        close $connection;
    }
    exit;
}
END { if ($provider) { local $?; kill 'TERM', $provider; waitpid $provider, 0; } }

my $profile = Net::OAuth2::Profile::WebServer->new(
    client_id => 'app', client_secret => 'a+b%c', secrets_in_params => 0, grant_type => 'authorization_code',
    site => "http://127.0.0.1:$port", access_token_path => '/token', refresh_token_path => '/token'
);
sub show {
    my ($label, $token) = @_;
    print "$label: ", $token->access_token // 'no access token', ' and ', $token->refresh_token // 'no refresh token', "\n";
}
sub attempt {
    my ($code) = @_;
    eval { $code->(); 1 } or print 'it dies: ', $@ =~ s/ at \S+ line \d+\.\n.*//sr =~ s/\n.*//sr, "\n";
}
my $token = $profile->get_access_token('code');
show('an answer without expires_in', $token);
print 'Host without the port: ', $token->attribute('host_without_port'), "\n";
attempt(sub { $token->refresh });
show('after a refresh without expires_in', $token);
attempt(sub { $token->refresh });

my $other = $profile->get_access_token('code');
attempt(sub { $profile->update_access_token($other, lifetime => 'yes') });
show('after a refresh with expires_in', $other);
my $request = $profile->build_request('POST', "http://127.0.0.1:$port/token", $profile->access_token_params);
print 'Basic has ', scalar $request->authorization_basic, ', and the encoded secret is ', $profile->secret_enc, "\n";
PROBE
cat >expected.txt <<'EXPECTED'
an answer without expires_in: access1 and refresh1
Host without the port: yes
it dies: no expires_in found in refresh data
after a refresh without expires_in: access1 and refresh1
it dies: failed oauth call update token: received error: 400 Bad Request
after a refresh with expires_in: access4 and refresh4
Basic has app:a+b%c, and the encoded secret is a%2bb%25c
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
