// Light or dark: what the settings say, or what the system says. Sets one class on the page.
import { computed, shallowRef, watchEffect } from 'vue'
import { useSettings } from '../stores/settings.ts'

const media = window.matchMedia('(prefers-color-scheme: dark)')
const systemIsDark = shallowRef(media.matches)
media.addEventListener('change', (event) => {
  systemIsDark.value = event.matches
})

/** Whether the page is dark now; charts follow it. */
export const isDark = computed(() => {
  const { theme } = useSettings().current
  return theme === 'system' ? systemIsDark.value : theme === 'dark'
})

export function followAppearance(): void {
  watchEffect(() => {
    document.documentElement.classList.toggle('dark', isDark.value)
    document.documentElement.classList.toggle('light', !isDark.value)
  })
}
