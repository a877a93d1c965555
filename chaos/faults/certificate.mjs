// A certificate for this machine by its address, signed with its own key, by the little of DER (X.690) and X.509 (RFC 5280) that it takes.

import { createSign, generateKeyPairSync, randomBytes } from 'node:crypto';

/** TLS goes by the real clock. */
const VALID_MS = 86_400_000;

const SEQUENCE = 0x30;
const SET = 0x31;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT = 0x06;
const TEXT = 0x0c;
const TIME = 0x17;
const TRUE = Buffer.from([0x01, 0x01, 0xff]);

// Object identifiers, as DER has them.
const ECDSA_WITH_SHA256 = '2a8648ce3d040302';
const COMMON_NAME = '550403';
const SUBJECT_ALT_NAME = '551d11';
const BASIC_CONSTRAINTS = '551d13';

/** An element with its tag and its length. @param {number} tag @param {...Uint8Array} parts */
function element(tag, ...parts) {
  const content = Buffer.concat(parts);
  const { length } = content;
  const long = length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...(length < 128 ? [length] : long)]), content]);
}

const sequence = (...parts) => element(SEQUENCE, ...parts);
const object = (hex) => element(OBJECT, Buffer.from(hex, 'hex'));
const bits = (bytes) => element(BIT_STRING, Buffer.from([0]), bytes);
/** The years 1950 to 2049 have two digits. */
const time = (ms) => element(TIME, Buffer.from(`${new Date(ms).toISOString().replace(/^..|\.\d+|[-:T]/g, '')}`));

/** Makes a certificate for 127.0.0.1, and its key. @returns {{ cert: string, key: string }} both as PEM */
export function makeCertificate() {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(object(ECDSA_WITH_SHA256));
  const name = sequence(
    element(SET, sequence(object(COMMON_NAME), element(TEXT, Buffer.from('a provider of the scorecard')))),
  );
  const address = sequence(element(0x87, Buffer.from([127, 0, 0, 1])));
  const extensions = sequence(
    sequence(object(BASIC_CONSTRAINTS), TRUE, element(OCTET_STRING, sequence(TRUE))),
    sequence(object(SUBJECT_ALT_NAME), element(OCTET_STRING, address)),
  );
  const certified = sequence(
    element(0xa0, element(INTEGER, Buffer.from([2]))),
    element(INTEGER, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    name,
    sequence(...[-VALID_MS, VALID_MS].map((ms) => time(Math.round(performance.timeOrigin) + ms))),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    element(0xa3, extensions),
  );
  const signature = createSign('sha256').update(certified).sign(privateKey);
  const base64 = sequence(certified, algorithm, bits(signature)).toString('base64');
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}
