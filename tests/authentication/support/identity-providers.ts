/**
 * Identity providers as their documentation describes them: what they publish, and the header and claims of
 * their tokens. The keys are real.
 */
import type { JWK } from 'jose'
import { testKey } from './test-issuer.ts'
import type { TestKey } from './test-issuer.ts'

export interface ShapedToken {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  /** Who signs it. */
  readonly key: TestKey
}

export interface Provider {
  /** The heading above its entry in docs/identity-providers.md. */
  readonly heading: string
  /** What its servers publish, by URL. */
  readonly documents: Readonly<Record<string, unknown>>
  readonly token: ShapedToken
  /** The claims that the gateway knows of the token: the scopes of all claims that count. */
  readonly known: Readonly<Record<string, unknown>>
  /** Tokens that only look like it, each with the reason of its refusal. */
  readonly refused: Readonly<Record<string, readonly [ShapedToken, string]>>
}

const rsa = await testKey('RS256', 'rsa')
const otherRsa = await testKey('RS256', 'other rsa')
const ec = await testKey('ES256', 'ec')
/** Keys that sign no token of that algorithm on the page. */
export const strangeKeys = { RS256: otherRsa, ES256: await testKey('ES256', 'x') }

const now = Math.floor(Date.now() / 1_000)
const times = { iat: now - 10, exp: now + 3_590 }
const certificate = ['MIIDBTCCAe2gAwIBAgIQGQ6YG6NleJxJGDRAwAd']
const tenant = '11111111-2222-3333-4444-555555555555'
const otherTenant = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee'
const application = '66666666-7777-8888-9999-000000000000'

/** Returns the key under another id. */
function named(key: TestKey, keyId: string): TestKey {
  return { ...key, keyId, jwk: { ...key.jwk, kid: keyId } }
}

/** Returns the public key as a provider publishes it. */
function published({ jwk }: TestKey, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { ...jwk, ...more }
}

/** Returns the documents of an issuer that is found by its metadata. */
function discovered(issuer: string, jwksUri: string, keys: unknown[]): Record<string, unknown> {
  const metadata = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  return { [metadata]: { issuer, jwks_uri: jwksUri }, [jwksUri]: { keys } }
}

/** Returns the token with other claims; undefined removes one. */
function but(token: ShapedToken, claims: Record<string, unknown>, key = token.key): ShapedToken {
  const header = { ...token.header, kid: key.keyId }
  return { header, claims: { ...token.claims, ...claims }, key }
}

function okta(): Provider {
  const issuer = 'https://dev-123456.okta.com/oauth2/default'
  const key = named(rsa, 'U5R8cHbGw445Qbq8zVO1PcCpXL8yG6IcovVa3laCoxM')
  const token = {
    key,
    header: { kid: key.keyId, alg: 'RS256' },
    claims: {
      ver: 1,
      jti: 'AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE',
      iss: issuer,
      aud: 'api://default',
      ...times,
      cid: '0oabucvyc38HLL1ef0h7',
      uid: '00ubgaSARVOQDIOXMORI',
      scp: ['openid', 'profile', 'orders:read'],
      auth_time: now - 60,
      sub: 'saml.jackson@example.com',
    },
  }
  const idToken = {
    aud: '0oabucvyc38HLL1ef0h7',
    cid: undefined,
    scp: undefined,
    nonce: 'n-0S6_WzA2Mj',
    at_hash: 'preview_at_hash',
    amr: ['pwd'],
    idp: '00oi5cpnylv792lcd0h7',
  }
  return {
    heading: 'Custom authorization server',
    documents: discovered(issuer, `${issuer}/v1/keys`, [
      published(key, { alg: 'RS256' }),
      published(named(otherRsa, 'next'), { alg: 'RS256' }),
    ]),
    token,
    known: { sub: 'saml.jackson@example.com', scope: ['openid', 'profile', 'orders:read'] },
    refused: {
      'an ID token': [but(token, idToken), 'TOKEN_TYPE_WRONG'],
      'one for another API': [but(token, { aud: 'api://other' }), 'AUDIENCE_MISMATCH'],
      'one of the org authorization server': [
        but(token, { iss: 'https://dev-123456.okta.com', aud: 'https://dev-123456.okta.com' }),
        'ISSUER_UNKNOWN',
      ],
    },
  }
}

function oktaOrgServer() {
  const issuer = 'https://dev-123456.okta.com'
  const client = '0oabucvyc38HLL1ef0h7'
  const key = named(rsa, 'internal')
  const good = {
    key,
    header: { kid: key.keyId, typ: 'application/okta-internal-at+jwt', alg: 'RS256' },
    claims: {
      ver: 1,
      jti: 'AT.A-kR-p9vgbZHfsmQYn1JQpVGXNVcqRkPsbZWMbvhVXM',
      iss: issuer,
      aud: issuer,
      ...times,
      cid: client,
      uid: '00uid4BxXw6I6TV4m0g3',
      scp: ['openid', 'profile', 'email'],
      sub: 'john.doe@example.com',
    },
  }
  const response = {
    token_type: 'Bearer',
    scope: 'openid profile email',
    client_id: client,
    username: 'john.doe@example.com',
    ...times,
    sub: 'john.doe@example.com',
    device_id: 'q4SZgrA9sOeHkfst5uaa',
    jti: good.claims.jti,
    iss: issuer,
    aud: issuer,
    uid: '00uid4BxXw6I6TV4m0g3',
  }
  return {
    heading: 'Org authorization server',
    tokens: {
      good,
      otherClient: but(good, { cid: 'other' }),
      expired: but(good, { iat: now - 7_200, exp: now - 3_600 }),
      customServer: but(good, { iss: `${issuer}/oauth2/default` }),
    },
    /** What the introspection endpoint says of the tokens that are active. */
    responses: { good: response, otherClient: { ...response, client_id: 'other' } } as Readonly<
      Record<string, object>
    >,
  }
}

/** The org authorization server of Okta, which is asked about its tokens. */
export const oktaOrg = oktaOrgServer()

function auth0(): Provider {
  const issuer = 'https://example.eu.auth0.com/'
  const key = named(rsa, 'NjVBRjY5MDlCMUIwNzU4RTA2QzZFMDQ4QzQ2MDAyQjVDNjk1RTM2Qg')
  const certified = { alg: 'RS256', x5t: key.keyId, x5c: certificate }
  const token = {
    key,
    header: { alg: 'RS256', typ: 'JWT', kid: key.keyId },
    claims: {
      iss: issuer,
      sub: 'auth0|5f7c8ec7c33c6c004bbafe82',
      aud: ['https://api.example.com', `${issuer}userinfo`],
      ...times,
      azp: 'my_client_id',
      scope: 'openid profile read:orders',
      permissions: ['read:orders', 'create:orders'],
    },
  }
  const idToken = { aud: 'my_client_id', nonce: 'n', scope: undefined, permissions: undefined }
  return {
    heading: 'Auth0',
    documents: discovered(issuer, `${issuer}.well-known/jwks.json`, [
      published(key, certified),
      published(named(otherRsa, 'next'), certified),
    ]),
    token,
    known: {
      sub: 'auth0|5f7c8ec7c33c6c004bbafe82',
      scope: ['openid', 'profile', 'read:orders', 'create:orders'],
    },
    refused: {
      'an ID token': [but(token, idToken), 'TOKEN_TYPE_WRONG'],
      'one for another API': [
        but(token, { aud: ['https://other.example.com', `${issuer}userinfo`] }),
        'AUDIENCE_MISMATCH',
      ],
      'one of another tenant': [
        but(token, { iss: 'https://other.eu.auth0.com/' }),
        'ISSUER_UNKNOWN',
      ],
    },
  }
}

/** A key of Entra ID says no algorithm; in version 2, it says for which issuer it is. */
function entraKey(key: TestKey, issuer?: string): Record<string, unknown> {
  return published(key, { x5t: key.keyId, x5c: certificate, ...(issuer ? { issuer } : {}) })
}

const entraClaims = {
  ...times,
  nbf: now - 10,
  aio: 'AXQAi/8TAAAA',
  name: 'Abe Lincoln',
  oid: '00000000-0000-0000-66f3-3332eca7ea81',
  rh: '0.AX0AbcDEF.',
  roles: ['Orders.Approve'],
  scp: 'access_as_user Orders.Read',
  sub: 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ',
  tid: tenant,
  uti: 'bNMt2OcUbEasbMt2OcUbAA',
}
const entraScopes = ['access_as_user', 'Orders.Read', 'Orders.Approve']
const entraIdToken = {
  aud: 'client-of-the-api',
  nonce: '12345',
  scp: undefined,
  preferred_username: 'abeli@example.com',
}

function entraV2(): Provider {
  const issuer = `https://login.microsoftonline.com/${tenant}/v2.0`
  const jwksUri = `https://login.microsoftonline.com/${tenant}/discovery/v2.0/keys`
  const key = named(rsa, '1LTMzakihiRla_8z2BEJVXeWMqo')
  const token = {
    key,
    header: { typ: 'JWT', alg: 'RS256', kid: key.keyId },
    claims: {
      ...entraClaims,
      aud: application,
      iss: issuer,
      azp: 'client',
      azpacr: '0',
      ver: '2.0',
    },
  }
  return {
    heading: 'Version 2',
    documents: discovered(issuer, jwksUri, [
      entraKey(key, issuer),
      entraKey(named(otherRsa, 'next'), issuer),
    ]),
    token,
    known: { sub: entraClaims.sub, name: 'Abe Lincoln', scope: entraScopes },
    refused: {
      'an ID token': [but(token, entraIdToken), 'TOKEN_TYPE_WRONG'],
      'one for another application': [
        but(token, { aud: '00000000-aaaa-bbbb-cccc-000000000000' }),
        'AUDIENCE_MISMATCH',
      ],
      'one of another tenant': [
        but(token, { iss: issuer.replace(tenant, otherTenant), tid: otherTenant }),
        'ISSUER_UNKNOWN',
      ],
    },
  }
}

function entraV1(): Provider {
  const issuer = `https://sts.windows.net/${tenant}/`
  const key = named(rsa, 'nbCwW11w3XkB-xUaXwKRSLjMHGQ')
  const token = {
    key,
    header: { typ: 'JWT', alg: 'RS256', x5t: key.keyId, kid: key.keyId },
    claims: {
      ...entraClaims,
      aud: `api://${application}`,
      iss: issuer,
      acr: '1',
      amr: ['pwd'],
      appid: 'client',
      appidacr: '0',
      unique_name: 'abeli@example.com',
      ver: '1.0',
    },
  }
  return {
    heading: 'Version 1',
    documents: {
      'https://login.microsoftonline.com/common/discovery/keys': {
        keys: [entraKey(key), entraKey(named(otherRsa, 'next'))],
      },
    },
    token,
    known: { sub: entraClaims.sub, scope: entraScopes, acr: '1' },
    refused: {
      'an ID token': [but(token, entraIdToken), 'TOKEN_TYPE_WRONG'],
      'one for Microsoft Graph': [
        but(token, { aud: '00000003-0000-0000-c000-000000000000' }),
        'AUDIENCE_MISMATCH',
      ],
      'one of another tenant': [
        but(token, { iss: `https://sts.windows.net/${otherTenant}/`, tid: otherTenant }),
        'ISSUER_UNKNOWN',
      ],
    },
  }
}

function entraTenants(): Provider {
  const pattern = 'https://login.microsoftonline.com/{tenantid}/v2.0'
  const consumers = '9188040d-6c67-4c5b-b112-36a304b66dad'
  const of = (id: string) => pattern.replace('{tenantid}', id)
  const key = named(rsa, '1LTMzakihiRla_8z2BEJVXeWMqo')
  const consumersKey = named(otherRsa, 'bW8ZcMjBCnJZS-ibX5UQDNStvx4')
  const token = {
    key,
    header: { typ: 'JWT', alg: 'RS256', kid: key.keyId },
    claims: {
      ...entraClaims,
      aud: application,
      iss: of(otherTenant),
      tid: otherTenant,
      ver: '2.0',
    },
  }
  return {
    heading: 'Several tenants',
    documents: {
      'https://login.microsoftonline.com/common/discovery/v2.0/keys': {
        keys: [entraKey(key, pattern), entraKey(consumersKey, of(consumers))],
      },
    },
    token,
    known: { sub: entraClaims.sub, tid: otherTenant, scope: entraScopes },
    refused: {
      'an ID token': [but(token, entraIdToken), 'TOKEN_TYPE_WRONG'],
      'one of a tenant that is not in the list': [
        but(token, { iss: of('99999999-2222-3333-4444-555555555555') }),
        'ISSUER_UNKNOWN',
      ],
      'one of a tenant with the key of personal accounts': [
        but(token, {}, consumersKey),
        'KEY_UNKNOWN',
      ],
      'one whose issuer is the pattern': [but(token, { iss: pattern }), 'ISSUER_UNKNOWN'],
    },
  }
}

function cognito(): Provider {
  const issuer = 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Example'
  const key = named(rsa, 'abcdefghijklmnopqrsexample=')
  const idKey = named(otherRsa, 'fgjhlkhjlkhexample=')
  const token = {
    key,
    header: { kid: key.keyId, alg: 'RS256' },
    claims: {
      sub: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
      device_key: 'eu-central-1_aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
      'cognito:groups': ['editors'],
      iss: issuer,
      version: 2,
      client_id: '1example23456789',
      origin_jti: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
      event_id: '64f513be-32db-42b0-b78e-b02127b4f463',
      token_use: 'access',
      scope: 'phone openid profile resourceserver.1/orders.read',
      auth_time: now - 10,
      ...times,
      jti: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
      username: 'my-test-user',
    },
  }
  const idToken = {
    aud: '1example23456789',
    client_id: undefined,
    token_use: 'id',
    'cognito:username': 'my-test-user',
    scope: undefined,
    at_hash: 'h',
  }
  return {
    heading: 'Amazon Cognito',
    documents: discovered(issuer, `${issuer}/.well-known/jwks.json`, [
      published(idKey, { alg: 'RS256' }),
      published(key, { alg: 'RS256' }),
    ]),
    token,
    known: {
      sub: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
      scope: ['phone', 'openid', 'profile', 'resourceserver.1/orders.read', 'editors'],
    },
    refused: {
      'an ID token': [but(token, idToken, idKey), 'TOKEN_TYPE_WRONG'],
      'one of another app client': [but(token, { client_id: 'other' }), 'AUDIENCE_MISMATCH'],
      'one of another user pool': [
        but(token, { iss: issuer.replace('Example', 'Other') }),
        'ISSUER_UNKNOWN',
      ],
    },
  }
}

function keycloak(): Provider {
  const issuer = 'https://keycloak.example.com/realms/example'
  const key = named(rsa, 'FJ86GcF3jTbNLOco4NvZkUCIUmfYCqoqtOQeMfbhNlE')
  const certified = { x5c: certificate, x5t: 'a1b2', 'x5t#S256': 'c3d4' }
  const token = {
    key,
    header: { alg: 'RS256', typ: 'JWT', kid: key.keyId },
    claims: {
      ...times,
      auth_time: now - 10,
      jti: 'onrtac:6fb6c1a5-3c4e-4a3c-9a0e-1fd6c7a5e0b1',
      iss: issuer,
      aud: 'account',
      sub: 'f00c8b64-6c4b-4d6d-9d13-1f0a0a8a4a6e',
      typ: 'Bearer',
      azp: 'my-app',
      sid: 'a7a1c7fd-2a30-4c4f-8e0b-9d3c3b0b7c2a',
      acr: '1',
      'allowed-origins': ['https://app.example.com'],
      realm_access: { roles: ['offline_access', 'editor'] },
      resource_access: { account: { roles: ['view-profile'] } },
      scope: 'openid email profile',
      name: 'Alice Liddell',
      preferred_username: 'alice',
    },
  }
  const idToken = { aud: 'my-app', typ: 'ID', at_hash: 'h', scope: undefined }
  return {
    heading: 'Keycloak',
    documents: discovered(issuer, `${issuer}/protocol/openid-connect/certs`, [
      published(named(otherRsa, 'encryption'), { alg: 'RSA-OAEP', use: 'enc', ...certified }),
      published(key, { alg: 'RS256', ...certified }),
    ]),
    token,
    known: {
      sub: 'f00c8b64-6c4b-4d6d-9d13-1f0a0a8a4a6e',
      name: 'Alice Liddell',
      scope: ['openid', 'email', 'profile', 'offline_access', 'editor'],
    },
    refused: {
      'an ID token': [but(token, idToken), 'TOKEN_TYPE_WRONG'],
      'a refresh token': [but(token, { typ: 'Refresh' }), 'TOKEN_TYPE_WRONG'],
      'one of another client': [but(token, { azp: 'other-app' }), 'AUDIENCE_MISMATCH'],
      'one of another realm': [
        but(token, { iss: issuer.replace('/example', '/other') }),
        'ISSUER_UNKNOWN',
      ],
    },
  }
}

const googleKeys = 'https://www.googleapis.com/oauth2/v3/certs'
const googleKey = named(rsa, 'f1338ca26835863f671408941738a7b49e740fc0')
const googleDocuments = discovered('https://accounts.google.com', googleKeys, [
  published(named(otherRsa, 'next'), { alg: 'RS256' }),
  published(googleKey, { alg: 'RS256' }),
])
const googleHeader = { alg: 'RS256', kid: googleKey.keyId, typ: 'JWT' }

function google(): Provider {
  const client = '1234567890-example.apps.googleusercontent.com'
  const token = {
    key: googleKey,
    header: googleHeader,
    claims: {
      iss: 'https://accounts.google.com',
      azp: client,
      aud: client,
      sub: '110169484474386276334',
      at_hash: 'HK6E_P6Dh8Y93mRNtsDB1Q',
      hd: 'example.com',
      email: 'jsmith@example.com',
      email_verified: true,
      ...times,
      nonce: '0394852-3190485-2490358',
      name: 'Jane Smith',
    },
  }
  return {
    heading: 'ID token',
    documents: googleDocuments,
    token,
    known: { sub: '110169484474386276334', name: 'Jane Smith', scope: undefined },
    refused: {
      'one for another client': [
        but(token, { aud: 'other.apps.googleusercontent.com' }),
        'AUDIENCE_MISMATCH',
      ],
      'one of another issuer': [
        but(token, { iss: 'https://securetoken.google.com/my-project' }),
        'ISSUER_UNKNOWN',
      ],
    },
  }
}

function cloudRun(): Provider {
  const token = {
    key: googleKey,
    header: googleHeader,
    claims: {
      aud: 'https://gateway-abc123-ew.a.run.app',
      azp: '112010400000000710080',
      email: 'orders@my-project.iam.gserviceaccount.com',
      email_verified: true,
      ...times,
      iss: 'https://accounts.google.com',
      sub: '112010400000000710080',
    },
  }
  return {
    heading: 'Cloud Run',
    documents: googleDocuments,
    token,
    known: { sub: '112010400000000710080', scope: undefined },
    refused: {
      'one for another service': [
        but(token, { aud: 'https://other-abc123-ew.a.run.app' }),
        'AUDIENCE_MISMATCH',
      ],
    },
  }
}

function firebase(): Provider {
  const keys =
    'https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com'
  const token = {
    key: googleKey,
    header: googleHeader,
    claims: {
      name: 'Alice',
      iss: 'https://securetoken.google.com/my-project',
      aud: 'my-project',
      auth_time: now - 10,
      user_id: 'yqX0Z3yK5pWcS4Yv1rmxkGJpq6p2',
      sub: 'yqX0Z3yK5pWcS4Yv1rmxkGJpq6p2',
      ...times,
      email: 'alice@example.com',
      email_verified: false,
      firebase: { identities: { email: ['alice@example.com'] }, sign_in_provider: 'password' },
    },
  }
  return {
    heading: 'Firebase',
    documents: { [keys]: googleDocuments[googleKeys] },
    token,
    known: { sub: 'yqX0Z3yK5pWcS4Yv1rmxkGJpq6p2', name: 'Alice' },
    refused: {
      'one of another project': [
        but(token, { iss: 'https://securetoken.google.com/other', aud: 'other' }),
        'ISSUER_UNKNOWN',
      ],
      'one for another audience': [but(token, { aud: 'other' }), 'AUDIENCE_MISMATCH'],
      'a session cookie': [
        but(token, { iss: 'https://session.firebase.google.com/my-project' }),
        'ISSUER_UNKNOWN',
      ],
    },
  }
}

const supabaseIssuer = 'https://abcdefghijklmnop.supabase.co/auth/v1'
const supabaseClaims = {
  iss: supabaseIssuer,
  sub: '123e4567-e89b-12d3-a456-426614174000',
  aud: 'authenticated',
  ...times,
  email: 'user@example.com',
  phone: '',
  app_metadata: { provider: 'email', providers: ['email'] },
  user_metadata: {},
  role: 'authenticated',
  aal: 'aal1',
  amr: [{ method: 'password', timestamp: now - 10 }],
  session_id: '123e4567-e89b-12d3-a456-426614174001',
  is_anonymous: false,
}

function supabase(): Provider {
  const key = named(ec, '9c4c5c7b-1c38-4a3f-a4e0-d4bd7b7f7d1a')
  const token = {
    key,
    header: { alg: 'ES256', kid: key.keyId, typ: 'JWT' },
    claims: supabaseClaims,
  }
  const more = { alg: 'ES256', ext: true, key_ops: ['verify'] }
  return {
    heading: 'Supabase',
    documents: { [`${supabaseIssuer}/.well-known/jwks.json`]: { keys: [published(key, more)] } },
    token,
    known: { sub: supabaseClaims.sub, scope: undefined },
    refused: {
      'one of another project': [
        but(token, { iss: 'https://other.supabase.co/auth/v1' }),
        'ISSUER_UNKNOWN',
      ],
      'the key of anonymous clients': [
        but(token, { iss: 'supabase', ref: 'abcdefghijklmnop', role: 'anon', sub: undefined }),
        'ISSUER_UNKNOWN',
      ],
      'one for another audience': [but(token, { aud: 'anon' }), 'AUDIENCE_MISMATCH'],
    },
  }
}

/** The secret of a Supabase project without signing keys. */
export const supabaseSecret = 'super-secret-jwt-token-with-at-least-32-characters-long'

function supabaseShared(): Provider {
  const jwk = { kty: 'oct', k: Buffer.from(supabaseSecret).toString('base64url') } as JWK
  const token = {
    key: { ...ec, algorithm: 'HS256', jwk },
    header: { alg: 'HS256', typ: 'JWT' },
    claims: supabaseClaims,
  }
  return {
    heading: 'Shared secret',
    documents: {},
    token,
    known: { sub: supabaseClaims.sub },
    refused: {
      'one for another audience': [
        { ...token, claims: { ...supabaseClaims, aud: 'anon' } },
        'AUDIENCE_MISMATCH',
      ],
    },
  }
}

/** The providers, in the order of the page. */
export const providers: readonly Provider[] = [
  okta(),
  auth0(),
  entraV2(),
  entraV1(),
  entraTenants(),
  cognito(),
  keycloak(),
  google(),
  cloudRun(),
  firebase(),
  supabase(),
  supabaseShared(),
]
