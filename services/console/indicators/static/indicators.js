// Comes again while the numbers are being read.
setTimeout(() => location.reload(), 2000);
