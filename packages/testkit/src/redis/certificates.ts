import type { KeyObject } from "node:crypto";
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RedisTls } from "./redis-options.ts";

export interface CertificateOptions {
  /** The DNS names that it is good for. Default `localhost`. */
  readonly names?: readonly string[];
  /** The IPv4 addresses that it is good for. Default `127.0.0.1`. */
  readonly addresses?: readonly string[];
  /** Until when. Default tomorrow; a moment in the past makes one that has expired. */
  readonly notAfter?: Date;
}

const DAY_MS = 86_400_000;

/**
 * Writes a new CA and a certificate of its into a folder: `ca.crt`, `server.crt`, `server.key`. Good for servers and for
 * clients. (Node can't write X.509, and `openssl` isn't everywhere.)
 */
export function makeCertificates(folder: string, options: CertificateOptions = {}): RedisTls {
  const { names = ["localhost"], addresses = ["127.0.0.1"], notAfter = new Date(Date.now() + DAY_MS) } = options;
  const [ca, server] = [newKeys(), newKeys()];
  const issuer = { issuer: "podlink test CA", issuerKey: ca.privateKey, notAfter };
  const caPem = certificate({ ...issuer, subject: issuer.issuer, publicKey: ca.publicKey, extensions: [isCa] });
  const serverPem = certificate({
    ...issuer,
    subject: "podlink test server",
    publicKey: server.publicKey,
    extensions: [goodFor(names, addresses)],
  });
  const write = (name: string, pem: string): string => {
    const file = join(folder, name);
    writeFileSync(file, pem, { mode: 0o600 });
    return file;
  };
  return {
    caFile: write("ca.crt", caPem),
    certFile: write("server.crt", serverPem),
    keyFile: write("server.key", server.privateKey.export({ type: "pkcs8", format: "pem" }).toString()),
  };
}

const newKeys = (): { publicKey: KeyObject; privateKey: KeyObject } =>
  generateKeyPairSync("ec", { namedCurve: "prime256v1" });

/** DER: a tag, a length, what is in it. */
function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = (...contents: readonly Buffer[]): Buffer => der(0x30, ...contents);
const octets = (content: Buffer): Buffer => der(0x04, content);
const bits = (content: Buffer): Buffer => der(0x03, Buffer.of(0), content);
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, "hex"));
const YES = der(0x01, Buffer.of(0xff));

const ECDSA_WITH_SHA256 = sequence(oid("2a8648ce3d040302"));
const COMMON_NAME = oid("550403");
const BASIC_CONSTRAINTS = oid("551d13");
const SUBJECT_ALT_NAME = oid("551d11");

const isCa = sequence(BASIC_CONSTRAINTS, YES, octets(sequence(YES)));

const goodFor = (names: readonly string[], addresses: readonly string[]): Buffer =>
  sequence(
    SUBJECT_ALT_NAME,
    octets(
      sequence(
        ...names.map((name) => der(0x82, Buffer.from(name))),
        ...addresses.map((address) => der(0x87, Buffer.from(address.split(".").map(Number)))),
      ),
    ),
  );

const nameOf = (text: string): Buffer => sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from(text)))));

/** UTCTime: `YYMMDDhhmmssZ`. */
const time = (date: Date): Buffer =>
  der(0x17, Buffer.from(`${date.toISOString().slice(2, 19).replaceAll(/\D/g, "")}Z`));

interface Certified {
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly issuer: string;
  readonly issuerKey: KeyObject;
  readonly notAfter: Date;
  readonly extensions: readonly Buffer[];
}

/** An X.509 certificate (RFC 5280), version 3, as PEM. */
function certificate({ subject, publicKey, issuer, issuerKey, notAfter, extensions }: Certified): string {
  const signed = sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.of(1), randomBytes(8)), // the first byte keeps it positive
    ECDSA_WITH_SHA256,
    nameOf(issuer),
    sequence(time(new Date(notAfter.getTime() - 2 * DAY_MS)), time(notAfter)),
    nameOf(subject),
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...extensions)),
  );
  const whole = sequence(signed, ECDSA_WITH_SHA256, bits(sign("sha256", signed, issuerKey)));
  const lines = whole.toString("base64").replaceAll(/.{64}/g, "$&\n").trimEnd();
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}
