// Graphics cards as macOS and Windows tell of them, parsed. Null for what is no answer of the expected form. Pure.
import { z } from 'zod'
import type { GraphicsCard } from '#shared/contract/devices.ts'

/** Without sentences. */
export type CardFacts = Omit<GraphicsCard, 'sentences'>

export const macCommand = ['/usr/sbin/system_profiler', ['SPDisplaysDataType', '-json']] as const
export const windowsCommand = [
  'powershell.exe',
  [
    '-NoProfile',
    '-NonInteractive',
    '-Command',
    '[Console]::OutputEncoding = [Text.Encoding]::UTF8; Get-CimInstance Win32_VideoController | Select-Object Name, AdapterRAM, DriverVersion, PNPDeviceID, ConfigManagerErrorCode | ConvertTo-Json -Compress',
  ],
] as const

const macAnswer = z.object({
  SPDisplaysDataType: z.array(
    z.object({
      _name: z.string(),
      sppci_model: z.string().optional(),
      spdisplays_vendor: z.string().optional(),
      spdisplays_vram: z.string().optional(),
    }),
  ),
})

export function readMacCards(text: string): CardFacts[] | null {
  const parsed = macAnswer.safeParse(jsonOf(text))
  if (!parsed.success) return null
  return parsed.data.SPDisplaysDataType.map(({ _name, sppci_model, spdisplays_vendor, spdisplays_vram }) => ({
    name: sppci_model ?? _name,
    vendor: vendorIn(`${spdisplays_vendor ?? ''} ${sppci_model ?? _name}`),
    // Apple's own graphics share the computer's memory and name none.
    memoryBytes: spdisplays_vram === undefined ? null : sizeOf(spdisplays_vram),
    driver: null,
    computeCapability: null,
  }))
}

/** "8 GB", "1536 MB". */
function sizeOf(text: string): number | null {
  const found = /^(\d+(?:\.\d+)?)\s*(MB|GB)$/.exec(text.trim())
  return found === null ? null : Number(found[1]) * (found[2] === 'GB' ? 2 ** 30 : 2 ** 20)
}

export interface WindowsCard extends CardFacts {
  /** Windows' own number of what is wrong with it; 0: nothing (Device Manager error codes). */
  readonly trouble: number
}

const windowsCard = z.object({
  Name: z.string().nullable(),
  AdapterRAM: z.number().nullable(),
  DriverVersion: z.string().nullable(),
  PNPDeviceID: z.string().nullable(),
  ConfigManagerErrorCode: z.number().nullable(),
})

/** AdapterRAM has 32 bits: what is near 4 GiB may be any amount above. */
const mostToldBytes = 0xff_00_00_00

export function readWindowsCards(text: string): WindowsCard[] | null {
  const answer = text.trim() === '' ? [] : jsonOf(text)
  const parsed = z.array(windowsCard).safeParse(Array.isArray(answer) ? answer : [answer])
  if (!parsed.success) return null
  return parsed.data
    .filter(isReal)
    .map(({ Name, AdapterRAM, DriverVersion, PNPDeviceID, ConfigManagerErrorCode }) => {
      const vendor = vendorIn(`${PNPDeviceID ?? ''} ${Name ?? ''}`)
      const isTold = AdapterRAM !== null && AdapterRAM > 0 && AdapterRAM < mostToldBytes
      return {
        name: Name ?? 'a graphics card without a name',
        vendor,
        memoryBytes: isTold ? AdapterRAM : null,
        driver: vendor === 'nvidia' ? nvidiaVersion(DriverVersion) : DriverVersion,
        computeCapability: null,
        trouble: ConfigManagerErrorCode ?? 0,
      }
    })
}

/** Displays over the network and of virtual machines are no cards; Microsoft's own driver for a real card is on the bus. */
const isReal = ({ Name, PNPDeviceID }: z.output<typeof windowsCard>): boolean =>
  /^(PCI\\VEN_(10DE|1002|8086)|ACPI\\)/i.test(PNPDeviceID ?? '') &&
  !/hyper-v|remote display/i.test(Name ?? '')

/** NVIDIA's own number is in the last five digits of Windows': 32.0.15.6094 is 560.94. */
function nvidiaVersion(version: string | null): string | null {
  const digits = version?.replace(/\D/g, '').slice(-5) ?? ''
  return digits.length === 5 ? `${digits.slice(0, 3)}.${digits.slice(3)}` : version
}

function vendorIn(text: string): GraphicsCard['vendor'] {
  if (/VEN_10DE|nvidia/i.test(text)) return 'nvidia'
  if (/VEN_1002|amd|radeon/i.test(text)) return 'amd'
  if (/VEN_8086|intel/i.test(text)) return 'intel'
  return /apple/i.test(text) ? 'apple' : 'other'
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    return null
  }
}
