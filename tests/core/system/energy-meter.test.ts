import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { createEnergyMeter } from '#core/system/energy-meter.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function powercap(zones: Readonly<Record<string, { name: string; microjoules: number }>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'tunewright-powercap-'))
  folders.push(folder)
  for (const [zone, { name, microjoules }] of Object.entries(zones)) {
    mkdirSync(join(folder, zone))
    writeFileSync(join(folder, zone, 'name'), `${name}\n`)
    writeFileSync(join(folder, zone, 'max_energy_range_uj'), '262143328850\n')
    set(folder, zone, microjoules)
  }
  return folder
}
const set = (folder: string, zone: string, microjoules: number | string): void =>
  writeFileSync(join(folder, zone, 'energy_uj'), `${microjoules}\n`)

test('packages are added up; their parts, the platform and copies of them are not counted again', () => {
  const folder = powercap({
    'intel-rapl:0': { name: 'package-0', microjoules: 1000 },
    'intel-rapl:0:0': { name: 'core', microjoules: 500 },
    'intel-rapl:0:1': { name: 'dram', microjoules: 100 },
    'intel-rapl:1': { name: 'package-1', microjoules: 7 },
    'intel-rapl:2': { name: 'psys', microjoules: 9000 },
    'intel-rapl-mmio:0': { name: 'package-0', microjoules: 1000 },
  })
  const meter = createEnergyMeter(folder)
  expect(meter.wattHours()).toBe(0)
  for (const zone of ['intel-rapl:0:0', 'intel-rapl:2', 'intel-rapl-mmio:0']) set(folder, zone, 9e9)
  set(folder, 'intel-rapl:0', 1000 + 3.6e9)
  set(folder, 'intel-rapl:1', 7 + 1.8e9)
  expect(meter.wattHours()).toBeCloseTo(1.5, 12)
})

test('a counter that started again from 0 goes on', () => {
  const folder = powercap({ 'intel-rapl:0': { name: 'package-0', microjoules: 262_143_328_850 - 3.6e9 } })
  const meter = createEnergyMeter(folder)
  set(folder, 'intel-rapl:0', 3.6e9)
  expect(meter.wattHours()).toBeCloseTo(2, 12)
  set(folder, 'intel-rapl:0', 7.2e9)
  expect(meter.wattHours()).toBeCloseTo(3, 12)
})

test('nothing is said where there is no counter, no package, or a counter that cannot be read', () => {
  expect(createEnergyMeter(join(tmpdir(), 'no such folder')).wattHours()).toBeNull()
  expect(createEnergyMeter(powercap({})).wattHours()).toBeNull()
  const platformOnly = powercap({ 'intel-rapl:0': { name: 'psys', microjoules: 5 } })
  expect(createEnergyMeter(platformOnly).wattHours()).toBeNull()
  const folder = powercap({ 'intel-rapl:0': { name: 'package-0', microjoules: 5 } })
  const meter = createEnergyMeter(folder)
  expect(meter.wattHours()).toBe(0)
  set(folder, 'intel-rapl:0', '')
  expect(meter.wattHours()).toBeNull()
  set(folder, 'intel-rapl:0', 10)
  expect(meter.wattHours()).toBeNull()
})
