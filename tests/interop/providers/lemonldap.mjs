// LemonLDAP::NG (Debian), with the users that it has for demonstration, and opaque access tokens or JWTs.

import { createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEBIAN_ROOT, WORK, debianVersion, installDebian } from '../install.mjs';
import { Person } from '../person.mjs';
import { bindingsFor, settingsFor, startProgram } from '../process.mjs';

/** @type {import('../providers.mjs').Provider[]} */
export default [
  {
    name: 'LemonLDAP::NG, opaque',
    config: 'lemonldap-ng-opaque.json',
    gaps: [],
    start: (places) => start(places, {}),
  },
  {
    name: 'LemonLDAP::NG, JWT',
    gaps: [],
    start: (places) => start(places, { oidcRPMetaDataOptionsAccessTokenJWT: 1 }),
  },
].map((setUp) => ({
  config: 'lemonldap-ng.json',
  install: installDebian,
  version: () => debianVersion('liblemonldap-ng-portal-perl'),
  ...setUp,
}));

async function start(places, more) {
  const settings = await settingsFor(places);
  const origin = `http://127.0.0.1:${settings.port}`;
  const folder = join(WORK, `lemonldap-${randomUUID()}`);
  writeConfig(folder, origin, settings, more);
  const perl = ['usr/share/perl5', 'usr/lib/x86_64-linux-gnu/perl5/5.36'].map((path) => join(DEBIAN_ROOT, path));
  const server = await startProgram(
    'perl',
    [
      join(DEBIAN_ROOT, 'usr', 'bin', 'plackup'),
      ...[
        '--no-default-middleware',
        '--server',
        'HTTP::Server::PSGI',
        '--host',
        '127.0.0.1',
        '--port',
        `${settings.port}`,
      ],
      join(folder, 'portal.psgi'),
    ],
    {
      env: {
        PERL5LIB: [...perl, join(folder, 'lib')].join(':'),
        LLNG_DEFAULTCONFFILE: join(folder, 'lemonldap-ng.ini'),
      },
      ready: /Accepting connections/,
    },
  );
  return {
    discovery: `${origin}/.well-known/openid-configuration`,
    bindings: bindingsFor(origin, settings),
    // The users of its demonstration have their names for passwords.
    person: () => new Person({ username: 'dwho', password: 'dwho' }),
    endLogin: (person) => person.goTo(`${origin}/?logout=1`, () => false),
    close: server.close,
  };
}

function writeConfig(folder, origin, settings, more) {
  const within = (name) => {
    const path = join(folder, name);
    mkdirSync(path, { recursive: true });
    return path;
  };
  const shipped = join(DEBIAN_ROOT, 'var', 'lib', 'lemonldap-ng', 'conf', 'lmConf-1.json');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' });
  const stores = { Directory: within('sessions'), LockDirectory: within('sessions/lock') };
  const config = {
    ...JSON.parse(readFileSync(shipped, 'utf8')),
    domain: '127.0.0.1',
    portal: `${origin}/`,
    globalStorageOptions: { ...stores, generateModule: 'Lemonldap::NG::Common::Apache::Session::Generate::SHA256' },
    persistentStorageOptions: { Directory: within('psessions'), LockDirectory: within('psessions/lock') },
    localSessionStorageOptions: { cache_root: within('cache'), namespace: 'sessions', default_expires_in: 600 },
    notification: 0,
    // Loaded though nobody is asked; the one that it has by default wants packages for pictures.
    captcha: '::Captcha::None',
    issuerDBOpenIDConnectActivation: 1,
    oidcServicePrivateKeySig: pem,
    oidcServicePublicKeySig: createPublicKey(pem).export({ format: 'pem', type: 'spki' }),
    oidcServiceMetaDataIssuer: origin,
    oidcServiceKeyIdSig: 'first',
    oidcServiceAllowAuthorizationCodeFlow: 1,
    oidcServiceIgnoreScopeForClaims: 0,
    oidcRPMetaDataOptions: {
      bargate: {
        oidcRPMetaDataOptionsClientID: settings.client_id,
        oidcRPMetaDataOptionsClientSecret: settings.client_secret,
        oidcRPMetaDataOptionsRedirectUris: settings.redirect_uris.join(' '),
        oidcRPMetaDataOptionsPostLogoutRedirectUris: settings.post_logout_redirect_uris.join(' '),
        oidcRPMetaDataOptionsLogoutUrl: settings.backchannel_logout_uri,
        oidcRPMetaDataOptionsLogoutType: 'back',
        oidcRPMetaDataOptionsLogoutSessionRequired: 1,
        oidcRPMetaDataOptionsIDTokenSignAlg: 'RS256',
        oidcRPMetaDataOptionsAccessTokenSignAlg: 'RS256',
        oidcRPMetaDataOptionsAllowOffline: 1,
        oidcRPMetaDataOptionsRefreshToken: 1,
        oidcRPMetaDataOptionsAdditionalAudiences: settings.audience,
        ...more,
      },
    },
    oidcRPMetaDataExportedVars: { bargate: { name: 'cn', email: 'mail' } },
  };
  writeFileSync(join(within('conf'), 'lmConf-1.json'), JSON.stringify(config));
  const portal = join(DEBIAN_ROOT, 'usr', 'share', 'lemonldap-ng', 'portal');
  const ini = `[all]
logLevel = error
[configuration]
type = File
dirName = ${join(folder, 'conf')}
[portal]
staticPrefix = /static
templateDir = ${join(portal, 'templates')}
languages = en
`;
  writeFileSync(join(folder, 'lemonldap-ng.ini'), ini);
  const captcha =
    "package Lemonldap::NG::Portal::Captcha::None;\nuse Mouse;\nextends 'Lemonldap::NG::Common::Module';\nsub init { 1 }\n1;\n";
  writeFileSync(join(within('lib/Lemonldap/NG/Portal/Captcha'), 'None.pm'), captcha);
  writeFileSync(
    join(folder, 'portal.psgi'),
    'use Lemonldap::NG::Portal::Main;\nLemonldap::NG::Portal::Main->run({});\n',
  );
}
