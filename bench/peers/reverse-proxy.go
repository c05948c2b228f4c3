// The balancer that many a Go tutorial builds: round robin over httputil.ReverseProxy. Its pool of
// kept connections is as large as the load needs; Go's default of two a host would measure connects.
//
//	reverse-proxy PORT BACKEND_PORT...
package main

import (
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"sync/atomic"
	"time"
)

func main() {
	if len(os.Args) < 3 {
		log.Fatal("reverse-proxy PORT BACKEND_PORT...")
	}
	transport := &http.Transport{
		DisableCompression:  true,
		MaxIdleConnsPerHost: 1024,
		IdleConnTimeout:     time.Hour,
	}
	var proxies []*httputil.ReverseProxy
	for _, port := range os.Args[2:] {
		proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "127.0.0.1:" + port})
		proxy.Transport = transport
		proxies = append(proxies, proxy)
	}
	var turn uint64
	next := func(w http.ResponseWriter, r *http.Request) {
		proxies[(atomic.AddUint64(&turn, 1)-1)%uint64(len(proxies))].ServeHTTP(w, r)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], http.HandlerFunc(next)))
}
