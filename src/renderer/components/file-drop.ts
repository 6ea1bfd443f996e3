// Files dropped anywhere on the page, while a screen takes them. Without this a browser would open the file itself.
import { onBeforeUnmount, onMounted, ref } from 'vue'

export function useFileDrop(take: (files: FileList) => void) {
  /** A file hangs over the page. */
  const isOver = ref(false)

  const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false
  function over(event: DragEvent): void {
    if (!hasFiles(event)) return
    event.preventDefault()
    isOver.value = true
  }
  function leave(event: DragEvent): void {
    if (event.relatedTarget === null) isOver.value = false
  }
  function drop(event: DragEvent): void {
    isOver.value = false
    if (!hasFiles(event)) return
    event.preventDefault()
    if (event.dataTransfer) take(event.dataTransfer.files)
  }

  onMounted(() => {
    window.addEventListener('dragover', over)
    window.addEventListener('dragleave', leave)
    window.addEventListener('drop', drop)
  })
  onBeforeUnmount(() => {
    window.removeEventListener('dragover', over)
    window.removeEventListener('dragleave', leave)
    window.removeEventListener('drop', drop)
  })
  return { isOver }
}
