// Runs before the first paint. Without a stored choice the page follows the system.
try {
  const choice = localStorage.getItem('fanlight.theme');
  if (choice === 'light' || choice === 'dark') document.documentElement.dataset.theme = choice;
} catch {
  // Storage may be forbidden; the system's choice stands.
}
