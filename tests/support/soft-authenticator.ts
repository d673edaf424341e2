/** A passkey in software: the responses of a phone (WebAuthn level 3, attestation `none`). */
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

interface Options {
  challenge: string
  rp?: { id: string }
  rpId?: string
}

export interface Answering {
  origin?: string
  /** Whether the owner unlocked the device. */
  userVerified?: boolean
}

export interface SoftAuthenticator {
  readonly id: string
  create(options: Options, answering?: Answering): string
  get(options: Options, answering?: Answering): string
}

const flags = { present: 0x01, verified: 0x04, attested: 0x40 }

export function softAuthenticator(): SoftAuthenticator {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const id = randomBytes(32)
  let counter = 0

  return {
    id: id.toString('base64url'),

    create({ challenge, rp }, answering = {}) {
      const credential = Buffer.concat([Buffer.alloc(16), uint16(id.length), id, cose(publicKey)])
      const data = authenticatorData(rp!.id, flags.attested, answering, credential)
      const attestation = map([
        ['fmt', text('none')],
        ['attStmt', map([])],
        ['authData', bytes(data)],
      ])
      return answer({
        clientDataJSON: clientData('webauthn.create', challenge, answering),
        attestationObject: attestation.toString('base64url'),
        transports: ['internal'],
      })
    },

    get({ challenge, rpId }, answering = {}) {
      counter++
      const data = authenticatorData(rpId!, 0, answering)
      const client = clientData('webauthn.get', challenge, answering)
      const hash = createHash('sha256').update(Buffer.from(client, 'base64url')).digest()
      return answer({
        clientDataJSON: client,
        authenticatorData: data.toString('base64url'),
        signature: sign('sha256', Buffer.concat([data, hash]), privateKey).toString('base64url'),
      })
    },
  }

  function answer(response: object): string {
    const rawId = id.toString('base64url')
    return JSON.stringify({
      id: rawId,
      rawId,
      type: 'public-key',
      clientExtensionResults: {},
      response,
    })
  }

  function authenticatorData(
    rpId: string,
    extra: number,
    { userVerified = true }: Answering,
    credential = Buffer.alloc(0),
  ): Buffer {
    const count = Buffer.alloc(4)
    count.writeUInt32BE(counter)
    const set = flags.present | extra | (userVerified ? flags.verified : 0)
    const rpHash = createHash('sha256').update(rpId).digest()
    return Buffer.concat([rpHash, Buffer.from([set]), count, credential])
  }
}

function clientData(
  type: string,
  challenge: string,
  { origin = 'http://localhost:4000' }: Answering,
) {
  return Buffer.from(JSON.stringify({ type, challenge, origin })).toString('base64url')
}

/** RFC 9053 section 7.1: an ES256 key on P-256. */
function cose(publicKey: KeyObject): Buffer {
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
  return Buffer.concat([
    Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21]),
    bytes(Buffer.from(x, 'base64url')),
    Buffer.from([0x22]),
    bytes(Buffer.from(y, 'base64url')),
  ])
}

/** The little of CBOR (RFC 8949) that is needed: maps of texts, short texts, byte strings. */
function map(entries: [string, Buffer][]): Buffer {
  const body = entries.flatMap(([name, value]) => [text(name), value])
  return Buffer.concat([Buffer.from([0xa0 | entries.length]), ...body])
}

function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([0x60 | value.length]), Buffer.from(value)])
}

function bytes(value: Buffer): Buffer {
  const { length } = value
  if (length < 24) return Buffer.concat([Buffer.from([0x40 | length]), value])
  if (length < 256) return Buffer.concat([Buffer.from([0x58, length]), value])
  return Buffer.concat([Buffer.from([0x59]), uint16(length), value])
}

function uint16(value: number): Buffer {
  const buffer = Buffer.alloc(2)
  buffer.writeUInt16BE(value)
  return buffer
}
