// SPDX-License-Identifier: Apache-2.0
// The table of spice-common's rules (ssl_verify.c subject_to_x509_name, verify_subject; OpenSSL's X509_NAME_cmp).
import type { X509Certificate } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { parsePin, pinOf, sameEntries, subjectMatches } from '../../../src/tls/host-subject.js';

/** A certificate whose subject Node prints like this. */
function certificate(subject: string | undefined): X509Certificate {
  return { subject } as unknown as X509Certificate;
}

const LAB = certificate('C=US\nO=Lab\nCN=host');

describe('a pin', () => {
  it.each([
    'C=US,O=Lab,CN=host',
    'C=US, O=Lab,   CN=host',
    'C=us,O=LAB,CN=HoSt',
    'C=US,O= Lab ,CN=host ',
    'C=US,O=Lab,CN=host,',
    'C=US,O=Lab,CN=host,  ',
    'countryName=US,organizationName=Lab,commonName=host',
    '2.5.4.6=US,2.5.4.10=Lab,2.5.4.03=host',
  ])('matches: "%s"', (pin) => {
    expect(subjectMatches(pin, LAB)).toBe(true);
  });

  it.each([
    ['another order', 'CN=host,O=Lab,C=US'],
    ['a part', 'O=Lab,CN=host'],
    ['an entry too many', 'C=US,O=Lab,OU=x,CN=host'],
    ['an entry twice', 'C=US,O=Lab,CN=host,CN=host'],
    ['another value', 'C=US,O=Lab,CN=hos'],
    ['a key in lower case', 'c=US,o=Lab,cn=host'],
    ['a key with a space behind it', 'C=US,O =Lab,CN=host'],
    ['no value', 'C=US,O=,CN=host'],
    ['no key', 'C=US,=Lab,CN=host'],
    ['no equals sign', 'C=US,Lab,CN=host'],
    ['two commas', 'C=US,,O=Lab,CN=host'],
    ['a stray backslash', 'C=US,O=\\Lab,CN=host'],
    ['a backslash at the end', 'C=US,O=Lab,CN=host\\'],
    ['slashes', '/C=US/O=Lab/CN=host'],
    ['nothing', ''],
    ['a comma', ','],
    ['OID. before a number, which OBJ_txt2obj does not take either', 'C=US,O=Lab,OID.2.5.4.3=host'],
    ['a number that is no identifier', 'C=US,O=Lab,1.40.4.3=host'],
    ['a key of JavaScript', 'constructor=US,O=Lab,CN=host'],
  ])('does not match with %s', (_what, pin) => {
    expect(subjectMatches(pin, LAB)).toBe(false);
  });

  it('unescapes commas and backslashes, as Node escapes them', () => {
    expect(subjectMatches('O=Lab\\, Inc.,CN=a\\\\b', certificate('O=Lab\\, Inc.\nCN=a\\\\b'))).toBe(true);
    expect(subjectMatches('O=Lab', certificate('O=Lab\\, Inc.'))).toBe(false);
  });

  it('folds white space inside of values, and no letters beyond ASCII', () => {
    expect(subjectMatches('O=Big   Lab', certificate('O=big lab'))).toBe(true);
    expect(subjectMatches('O=BigLab', certificate('O=Big Lab'))).toBe(false);
    expect(subjectMatches('O=Ünïon', certificate('O=ünïon'))).toBe(false);
    expect(subjectMatches('O=ünïon', certificate('O=ÜNïon'))).toBe(false);
    expect(subjectMatches('O=ünION', certificate('O=ünion'))).toBe(true);
  });

  it('keeps equals signs in values, and takes attributes that are rare', () => {
    expect(parsePin('CN=a=b,serialNumber=7')).toEqual([
      { key: '2.5.4.3', value: 'a=b' },
      { key: '2.5.4.5', value: '7' },
    ]);
  });

  it.each([
    ['street=Main 1', 'streetAddress=Main 1'],
    ['street=Main 1', '2.5.4.9=Main 1'],
    ['jurisdictionC=DE', 'jurisdictionCountryName=DE'],
    ['jurisdictionC=DE', '1.3.6.1.4.1.311.60.2.1.3=DE'],
    ['jurisdictionST=Bayern', 'jurisdictionStateOrProvinceName=Bayern'],
    ['mail=m@lab', 'rfc822Mailbox=m@lab'],
    ['organizationIdentifier=x', '2.5.4.97=x'],
    // An OpenSSL that has no name for it prints the number.
    ['2.5.4.97=x', 'organizationIdentifier=x'],
    ['1.2.3.4.5=abc\\, d', '1.2.3.4.5=abc\\, d'],
  ])('takes every form of an attribute: %s is %s', (printed, pin) => {
    expect(subjectMatches(pin, certificate(printed))).toBe(true);
  });

  it('tells apart what differs in case only', () => {
    expect(subjectMatches('UID=u', certificate('uid=u'))).toBe(false);
    expect(subjectMatches('uniqueIdentifier=u', certificate('uid=u'))).toBe(true);
    expect(subjectMatches('userId=u', certificate('UID=u'))).toBe(true);
  });

  it('does not match a certificate without a subject', () => {
    expect(subjectMatches('CN=host', certificate(undefined))).toBe(false);
    expect(subjectMatches('CN=host', certificate(''))).toBe(false);
  });
});

describe('the pin of a certificate', () => {
  it.each([
    ['C=US\nO=Lab\nCN=host', 'C=US,O=Lab,CN=host'],
    ['O=Lab\\, Inc.\nCN=a\\\\b', 'O=Lab\\, Inc.,CN=a\\\\b'],
    ['CN=a=b', 'CN=a=b'],
    ['', ''],
  ])('of %j is %s, and matches it', (printed, pin) => {
    expect(pinOf(printed)).toBe(pin);
    expect(subjectMatches(pin, certificate(printed))).toBe(pin !== '');
  });

  it('has the same entries in any order', () => {
    expect(sameEntries('CN=HOST,O=Lab,C=US', LAB)).toBe(true);
    expect(sameEntries('CN=host,O=Lab', LAB)).toBe(false);
    expect(sameEntries('nonsense', LAB)).toBe(false);
  });
});
