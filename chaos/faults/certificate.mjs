// A certificate for this machine by its address, signed with its own key.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import forge from 'node-forge';

/** TLS goes by the real clock. */
const VALID_MS = 86_400_000;
const NAME = [{ name: 'commonName', value: 'a provider of the scorecard' }];
/** Of names in a certificate, those that are addresses: RFC 5280, section 4.2.1.6. */
const ADDRESS = 7;

/** Makes a certificate for 127.0.0.1, and its key. @returns {{ cert: string, key: string }} both as PEM */
export function makeCertificate() {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);
  certificate.serialNumber = `01${randomBytes(8).toString('hex')}`;
  const now = Math.round(performance.timeOrigin);
  Object.assign(certificate.validity, { notBefore: new Date(now - VALID_MS), notAfter: new Date(now + VALID_MS) });
  certificate.setSubject(NAME);
  certificate.setIssuer(NAME);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'subjectAltName', altNames: [{ type: ADDRESS, ip: '127.0.0.1' }] },
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(privateKey), forge.md.sha256.create());
  return { cert: forge.pki.certificateToPem(certificate), key: privateKey };
}
