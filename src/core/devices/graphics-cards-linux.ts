// Graphics cards on the PCI bus, as Linux shows them under /sys, with or without a driver. Displays of virtual machines
// and of servers' remote consoles are left out: they compute nothing.
import { readdir, readFile, readlink } from 'node:fs/promises'
import { basename, join } from 'node:path'

export interface PciCard {
  readonly vendor: 'nvidia' | 'amd' | 'intel'
  readonly name: string
  /** null where the card shares the computer's memory, or does not say. */
  readonly memoryBytes: number | null
  /** The kernel's driver that has it: "nvidia", "nouveau", "amdgpu", "i915"; null where none has. */
  readonly driver: string | null
}

const vendors: Readonly<Record<string, PciCard['vendor']>> = {
  '10de': 'nvidia',
  '1002': 'amd',
  '8086': 'intel',
}
const words = { nvidia: 'NVIDIA', amd: 'AMD', intel: 'Intel' } as const

/** Lists of names that distributions bring, of one format (pci.ids). */
const nameLists = ['usr/share/hwdata/pci.ids', 'usr/share/misc/pci.ids', 'usr/share/pci.ids']

/** In the order of the bus, which is NVIDIA's too (CUDA_DEVICE_ORDER=PCI_BUS_ID). */
export async function readPciCards(root = '/'): Promise<PciCard[]> {
  const folder = join(root, 'sys/bus/pci/devices')
  const slots = (await readdir(folder).catch(() => [])).sort()
  const cards: PciCard[] = []
  let list: string | null = null
  for (const slot of slots) {
    const read = (name: string) =>
      readFile(join(folder, slot, name), 'utf8').then(
        (text) => text.trim(),
        () => '',
      )
    // 0x03: display controllers (PCI Code and ID Assignment Specification).
    if (!(await read('class')).startsWith('0x03')) continue
    const id = (await read('vendor')).replace('0x', '')
    const vendor = vendors[id]
    if (vendor === undefined) continue
    list ??= await readNames(root)
    const device = (await read('device')).replace('0x', '')
    const memory = Number(await read('mem_info_vram_total'))
    cards.push({
      vendor,
      name: nameIn(list, id, device) ?? `${words[vendor]} graphics (PCI ${id}:${device})`,
      memoryBytes: memory > 0 ? memory : null,
      driver: await readlink(join(folder, slot, 'driver')).then(
        (path) => basename(path),
        () => null,
      ),
    })
  }
  return cards
}

async function readNames(root: string): Promise<string> {
  for (const path of nameLists) {
    const text = await readFile(join(root, path), 'utf8').catch(() => null)
    if (text !== null) return text
  }
  return ''
}

/** In pci.ids a vendor's line begins with its id, its devices follow behind a tab each. */
function nameIn(list: string, vendor: string, device: string): string | null {
  const from = list.search(new RegExp(`^${vendor}  `, 'm'))
  if (from < 0) return null
  const [first = '', ...lines] = list.slice(from).split('\n')
  for (const line of lines) {
    if (/^[0-9a-f]/.test(line)) return null
    if (line.startsWith(`\t${device}  `))
      return `${shortVendor(first)} ${line.slice(device.length + 3).trim()}`
  }
  return null
}

/** "Advanced Micro Devices, Inc. [AMD/ATI]" -> "AMD". */
const shortVendor = (line: string): string =>
  line.includes('AMD') ? words.amd : line.includes('NVIDIA') ? words.nvidia : words.intel
