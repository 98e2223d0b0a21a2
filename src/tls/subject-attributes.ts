// SPDX-License-Identifier: Apache-2.0
// The attributes of a certificate's subject by name and by object identifier, as OpenSSL's OBJ_txt2obj takes them
// (crypto/objects/obj_mac.h): short name, long name, or the identifier in dotted decimals. Names are case-sensitive, and
// two forms of one attribute are the same attribute.

/** By arc and last number: the short name, and the long one where it is another. */
const ATTRIBUTES: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  '2.5.4': {
    3: 'CN commonName',
    4: 'SN surname',
    5: 'serialNumber',
    6: 'C countryName',
    7: 'L localityName',
    8: 'ST stateOrProvinceName',
    9: 'street streetAddress',
    10: 'O organizationName',
    11: 'OU organizationalUnitName',
    12: 'title',
    13: 'description',
    14: 'searchGuide',
    15: 'businessCategory',
    16: 'postalAddress',
    17: 'postalCode',
    18: 'postOfficeBox',
    19: 'physicalDeliveryOfficeName',
    20: 'telephoneNumber',
    21: 'telexNumber',
    22: 'teletexTerminalIdentifier',
    23: 'facsimileTelephoneNumber',
    24: 'x121Address',
    25: 'internationaliSDNNumber',
    26: 'registeredAddress',
    27: 'destinationIndicator',
    28: 'preferredDeliveryMethod',
    29: 'presentationAddress',
    30: 'supportedApplicationContext',
    31: 'member',
    32: 'owner',
    33: 'roleOccupant',
    34: 'seeAlso',
    35: 'userPassword',
    36: 'userCertificate',
    37: 'cACertificate',
    38: 'authorityRevocationList',
    39: 'certificateRevocationList',
    40: 'crossCertificatePair',
    41: 'name',
    42: 'GN givenName',
    43: 'initials',
    44: 'generationQualifier',
    45: 'x500UniqueIdentifier',
    46: 'dnQualifier',
    47: 'enhancedSearchGuide',
    48: 'protocolInformation',
    49: 'distinguishedName',
    50: 'uniqueMember',
    51: 'houseIdentifier',
    52: 'supportedAlgorithms',
    53: 'deltaRevocationList',
    54: 'dmdName',
    65: 'pseudonym',
    72: 'role',
    97: 'organizationIdentifier',
    98: 'c3 countryCode3c',
    99: 'n3 countryCode3n',
    100: 'dnsName',
  },
  '0.9.2342.19200300.100.1': {
    1: 'UID userId',
    2: 'textEncodedORAddress',
    3: 'mail rfc822Mailbox',
    4: 'info',
    5: 'favouriteDrink',
    6: 'roomNumber',
    7: 'photo',
    8: 'userClass',
    9: 'host',
    10: 'manager',
    11: 'documentIdentifier',
    12: 'documentTitle',
    13: 'documentVersion',
    14: 'documentAuthor',
    15: 'documentLocation',
    20: 'homeTelephoneNumber',
    21: 'secretary',
    22: 'otherMailbox',
    23: 'lastModifiedTime',
    24: 'lastModifiedBy',
    25: 'DC domainComponent',
    26: 'aRecord',
    27: 'pilotAttributeType27',
    28: 'mXRecord',
    29: 'nSRecord',
    30: 'sOARecord',
    31: 'cNAMERecord',
    37: 'associatedDomain',
    38: 'associatedName',
    39: 'homePostalAddress',
    40: 'personalTitle',
    41: 'mobileTelephoneNumber',
    42: 'pagerTelephoneNumber',
    43: 'friendlyCountryName',
    44: 'uid uniqueIdentifier',
    45: 'organizationalStatus',
    46: 'janetMailbox',
    47: 'mailPreferenceOption',
    48: 'buildingName',
    49: 'dSAQuality',
    50: 'singleLevelQuality',
    51: 'subtreeMinimumQuality',
    52: 'subtreeMaximumQuality',
    53: 'personalSignature',
    54: 'dITRedirect',
    55: 'audio',
    56: 'documentPublisher',
  },
  '1.2.840.113549.1.9': {
    1: 'emailAddress',
    2: 'unstructuredName',
    7: 'challengePassword',
    8: 'unstructuredAddress',
    9: 'extendedCertificateAttributes',
    20: 'friendlyName',
    21: 'localKeyID',
  },
  '1.3.6.1.4.1.311.60.2.1': {
    1: 'jurisdictionL jurisdictionLocalityName',
    2: 'jurisdictionST jurisdictionStateOrProvinceName',
    3: 'jurisdictionC jurisdictionCountryName',
  },
  '1.2.643.100': {
    1: 'OGRN',
    3: 'SNILS',
    5: 'OGRNIP',
  },
  '1.2.643.3.131.1': {
    1: 'INN',
  },
};

const BY_NAME: ReadonlyMap<string, string> = new Map(
  Object.entries(ATTRIBUTES).flatMap(([arc, names]) =>
    Object.entries(names).flatMap(([last, pair]) =>
      pair.split(' ').map((name): [string, string] => [name, `${arc}.${last}`]),
    ),
  ),
);

/** The first number of an identifier is 0, 1 or 2; below 0 and 1 the second one is less than 40 (X.660). */
const DOTTED = /^(?:[01]\.0*[1-3]?\d|2\.\d+)(?:\.\d+)*$/;

/**
 * What an attribute is known by, whichever form it is given in: its identifier in dotted decimals, or the name itself
 * when it is not in the table.
 */
export function attributeOf(name: string): string {
  const known = BY_NAME.get(name);
  if (known !== undefined) return known;
  return DOTTED.test(name) ? name.replace(/(^|\.)0+(?=\d)/g, '$1') : name;
}
