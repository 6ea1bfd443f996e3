// How far a device's numbers may lie from right ones, relative, by what its products are computed in. Measured:
// docs/devices.md.
import { type DeviceId, deviceFacts } from '#shared/devices.ts'

type Products = (typeof deviceFacts)[DeviceId]['products']

/** Of a tiny model's step, from the step by definition. */
const checkBounds: Readonly<Record<Products, number>> = { float32: 1e-4, tf32: 1e-2, bfloat16: 5e-2 }

/** Of a real model's step, from the processor's. */
const stepBounds: Readonly<Record<Products, number>> = { float32: 1e-3, tf32: 2e-2, bfloat16: 0.15 }

export const checkBoundOf = (device: DeviceId): number => checkBounds[deviceFacts[device].products]
export const stepBoundOf = (device: DeviceId): number => stepBounds[deviceFacts[device].products]
