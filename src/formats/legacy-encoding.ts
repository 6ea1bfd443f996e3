// Which legacy encoding bytes have that are not UTF-8: chardet's letter statistics, and for short East Asian texts the
// bytes in daily use. Guesses; the caller says that it is a guess.
import { analyse } from 'chardet'

/** Names of chardet that the WHATWG Encoding Standard spells otherwise or folds into a superset. */
const standardNames: Readonly<Record<string, string>> = {
  'ISO-8859-1': 'windows-1252',
  'ISO-8859-9': 'windows-1254',
  ASCII: 'utf-8',
}

export function canDecode(label: string): boolean {
  try {
    return new TextDecoder(label, { fatal: true }).encoding.length > 0
  } catch {
    return false
  }
}

/** The text, or null where a byte cannot be decoded. With `stream` a character may go on in the next piece. */
export function tryDecode(
  decoder: InstanceType<typeof TextDecoder>,
  bytes: Uint8Array,
  stream: boolean,
): string | null {
  try {
    return decoder.decode(bytes, { stream })
  } catch {
    return null
  }
}

/**
 * An encoding for bytes that are not UTF-8. chardet's statistics decide when they are confident; a short text is
 * tried as East Asian double bytes first and is windows-1252 otherwise, by far the commonest legacy encoding.
 */
export function guessLegacy(evidence: Uint8Array): string {
  const matches = analyse(evidence.subarray(0, 65_536))
  const candidates = matches
    .map((match) => ({ encoding: standardNames[match.name] ?? match.name, confidence: match.confidence }))
    .filter(({ encoding }) => encoding !== 'UTF-8' && encoding !== 'utf-8' && canDecode(encoding))
    .filter(({ encoding }) => decodesNearly(evidence, encoding))
  const best = candidates[0]
  if (best !== undefined && best.confidence >= 50 && letterShare(evidence, best.encoding) >= 0.5)
    return new TextDecoder(best.encoding).encoding
  const eastAsian = guessDoubleByte(evidence)
  if (eastAsian !== null) return eastAsian
  const western = candidates.find(({ encoding }) => encoding === 'windows-1252')
  const isClear = best !== undefined && best.confidence > (western?.confidence ?? 0) + 15
  return isClear && countHighBytes(evidence) >= 8 ? new TextDecoder(best.encoding).encoding : 'windows-1252'
}

/** Whether the evidence decodes but for a character cut at either edge. */
function decodesNearly(evidence: Uint8Array, encoding: string): boolean {
  const from = evidence.indexOf(0x0a) + 1
  return tryDecode(new TextDecoder(encoding, { fatal: true }), evidence.subarray(from), true) !== null
}

/** Share of letters among the characters beyond ASCII: low where double bytes are read as single ones. */
function letterShare(evidence: Uint8Array, encoding: string): number {
  const text = new TextDecoder(encoding).decode(evidence)
  const high = text.match(/[^\0-\x7F]/gu)?.length ?? 0
  const letters = text.match(/(?=[^\0-\x7F])\p{L}/gu)?.length ?? 0
  return high === 0 ? 1 : letters / high
}

function countHighBytes(bytes: Uint8Array): number {
  let count = 0
  for (const byte of bytes) if (byte >= 0x80) count += 1
  return count
}

/** Lead bytes of the characters in daily use, and the trail bytes a double-byte character can have. */
const doubleByteAreas: readonly {
  encoding: string
  isCommonLead: (lead: number) => boolean
  isTrail: (trail: number) => boolean
}[] = [
  {
    encoding: 'shift_jis',
    isCommonLead: (lead) => (lead >= 0x81 && lead <= 0x83) || (lead >= 0x88 && lead <= 0x97),
    isTrail: (trail) => trail >= 0x40 && trail <= 0xfc && trail !== 0x7f,
  },
  {
    encoding: 'euc-jp',
    isCommonLead: (lead) => lead === 0xa4 || lead === 0xa5,
    isTrail: (trail) => trail >= 0xa1,
  },
  {
    encoding: 'gb18030',
    isCommonLead: (lead) => lead === 0xa3 || (lead >= 0xb0 && lead <= 0xd7),
    isTrail: (trail) => trail >= 0xa1,
  },
  {
    encoding: 'euc-kr',
    isCommonLead: (lead) => lead >= 0xb0 && lead <= 0xc8,
    isTrail: (trail) => trail >= 0xa1,
  },
  {
    encoding: 'big5',
    isCommonLead: (lead) => lead >= 0xa4 && lead <= 0xc6,
    isTrail: (trail) => (trail >= 0x40 && trail <= 0x7e) || trail >= 0xa1,
  },
]

function guessDoubleByte(evidence: Uint8Array): string | null {
  let best: { encoding: string; share: number } | null = null
  for (const { encoding, isCommonLead, isTrail } of doubleByteAreas) {
    let common = 0
    let all = 0
    for (let i = 0; i < evidence.byteLength; i += 1) {
      const lead = evidence[i]!
      if (lead < 0x80) continue
      all += 1
      const trail = evidence[i + 1] ?? 0
      if (isCommonLead(lead) && isTrail(trail)) common += 1
      if (isTrail(trail)) i += 1
    }
    const share = common / all
    const isBetter = all >= 4 && share >= 0.75 && share > (best?.share ?? 0)
    if (isBetter && decodesNearly(evidence, encoding)) best = { encoding, share }
  }
  return best?.encoding ?? null
}
